#pragma once
// Runs a program over N rows at once: 1 or 64. Both are one template, so a single row and a row of a batch get the same
// results.
//
//   numbers[r]     row 0   row 1   …   row N-1     doubles, NaN is missing
//   truths[2r]     one bit per row: known and true
//   truths[2r+1]   one bit per row: known and false; neither bit is "missing"
//
// An operand's edge e reads truths[e] as its "true" and truths[e ^ 1] as its "false": negation is a swap.

#include <bit>
#include <span>
#include <type_traits>

#include "sluice/base/batch.h"
#include "sluice/rules/eval/arithmetic.h"
#include "sluice/rules/eval/compare.h"
#include "sluice/rules/eval/program.h"
#include "sluice/rules/ruleset.h"

namespace sluice::rules {

template <std::size_t N>
class Machine {
 public:
  /// Rows from `rows` on, at most N; `given` has one element per row, or one for all rows if `n_given` is 1.
  Machine(RowsView rows, const ModelOutputs* given, std::size_t n_given, const Tables& tables)
      : rows_(rows), given_(given), given_step_(n_given > 1), tables_(tables) {}

  /// Calls output(root, yes, no) for each root in order, one bit per row; bits beyond the rows are undefined.
  template <class Output>
  void run(const Program& program, Output&& output) {
    for (const Run& run : program.runs) {
      const Code code(program.code.data() + run.begin, run.end - run.begin);
      const Step step = code.front().step;
      if (step == Step::output)
        for (const Instruction& i : code) output(i.index, yes(i.a), no(i.a));
      else if (is_truth(step))
        decide(step, code);
      else
        compute(step, code);
    }
  }

 private:
  using Code = std::span<const Instruction>;
  using Bits = std::conditional_t<N == 1, std::uint8_t, std::uint64_t>;
  static constexpr Limits kLimits = N == 1 ? kRowLimits : kBatchLimits;

  template <class F>
  void set_each(Code code, F&& planes_of) {
    for (const Instruction& i : code) {
      const Planes planes = planes_of(i);
      truths_[2 * i.out] = static_cast<Bits>(planes.yes);
      truths_[2 * i.out + 1] = static_cast<Bits>(planes.no);
    }
  }
  template <class Yes, class No>
  void compare_each(Code code) {
    set_each(code, [&](const Instruction& i) { return compare<N, Yes, No>(Each{numbers_[i.a]}, Each{numbers_[i.b]}); });
  }
  template <class Yes, class No>
  void compare_constants(Code code) {
    set_each(code, [&](const Instruction& i) { return compare<N, Yes, No>(Each{numbers_[i.a]}, All{i.constant}); });
  }

  void decide(Step step, Code code) {
    switch (step) {
      case Step::equal:
        return compare_each<Equal, Differ>(code);
      case Step::less:
        return compare_each<Less, GreaterEqual>(code);
      case Step::less_equal:
        return compare_each<LessEqual, Greater>(code);
      case Step::equal_constant:
        return compare_constants<Equal, Differ>(code);
      case Step::less_constant:
        return compare_constants<Less, GreaterEqual>(code);
      case Step::less_equal_constant:
        return compare_constants<LessEqual, Greater>(code);
      case Step::known_number:  // a number is known if it is equal to itself
        return set_each(code, [&](const Instruction& i) {
          return compare<N, Equal, Unordered>(Each{numbers_[i.a]}, Each{numbers_[i.a]});
        });
      case Step::in_set:
        return look_up(code, [&](const Instruction& i, std::size_t lane) {
          return in_set(tables_.sets[i.index], numbers_[i.a][lane]);
        });
      case Step::truth_table:
        return look_up(code, [&](const Instruction& i, std::size_t lane) {
          return in_table(tables_.truths[i.index], numbers_[i.a][lane]);
        });
      case Step::same_word:
        return look_up(code, [&](const Instruction& i, std::size_t lane) {
          return same_word(tables_.word_pairs[i.index], numbers_[i.a][lane], numbers_[i.b][lane]);
        });
      default:
        return combine(step, code);
    }
  }

  void combine(Step step, Code code) {
    const auto each = [&](auto&& f) { set_each(code, [&](const Instruction& i) { return f(i); }); };
    // clang-format off
    switch (step) {
      case Step::truth: return each([](auto&) { return Planes{~0ULL, 0}; });
      case Step::both: return each([&](auto& i) { return Planes{yes(i.a) & yes(i.b), no(i.a) | no(i.b)}; });
      case Step::pick_truth: return each([&](auto& i) { return Planes{(yes(i.a) & yes(i.b)) | (no(i.a) & yes(i.c)), (yes(i.a) & no(i.b)) | (no(i.a) & no(i.c))}; });
      case Step::same_truth: return each([&](auto& i) { return Planes{(yes(i.a) & yes(i.b)) | (no(i.a) & no(i.b)), (yes(i.a) & no(i.b)) | (no(i.a) & yes(i.b))}; });
      case Step::known_truth: return each([&](auto& i) { return Planes{yes(i.a) | no(i.a), ~(yes(i.a) | no(i.a))}; });
      case Step::first_truth: return each([&](auto& i) { return Planes{yes(i.a) | (~no(i.a) & yes(i.b)), no(i.a) | (~yes(i.a) & no(i.b))}; });
      default: return each([](auto&) { return Planes{}; });
    }
    // clang-format on
  }

  template <class F>
  void look_up(Code code, F&& answer) {
    set_each(code, [&](const Instruction& i) {
      Planes planes;
      for (std::size_t lane = 0; lane < N; ++lane) {
        const Planes one = answer(i, lane);
        planes.yes |= one.yes << lane;
        planes.no |= one.no << lane;
      }
      return planes;
    });
  }

  template <class F>
  void make_each(Code code, F&& number_of) {
    for (const Instruction& i : code)
      for (std::size_t lane = 0; lane < N; ++lane) numbers_[i.out][lane] = number_of(i, lane);
  }

  void compute(Step step, Code code) {
    using I = const Instruction&;
    switch (step) {
      case Step::cell:
        return make_each(code,
                         [&](I i, std::size_t lane) { return rows_.data[lane_row(lane) * rows_.stride + i.index]; });
      case Step::constant:
        return make_each(code, [](I i, std::size_t) { return i.constant; });
      case Step::given:
        return make_each(
            code, [&](I i, std::size_t lane) { return given_value(given_[lane_row(lane) * given_step_], i.index); });
      case Step::number_table:
        return make_each(
            code, [&](I i, std::size_t lane) { return word_number(tables_.numbers[i.index], numbers_[i.a][lane]); });
      case Step::pick_number:
        return make_each(code, [&](I i, std::size_t lane) {
          return yes(i.a) >> lane & 1 ? numbers_[i.b][lane] : no(i.a) >> lane & 1 ? numbers_[i.c][lane] : kMissing;
        });
      default:
        calculate(step, code);
    }
  }

  void calculate(Step step, Code code) {
    const bool is_binary = with_binary(step, [&]<Step known>() {
      make_each(code, [&](const Instruction& i, std::size_t lane) {
        return apply<known>(numbers_[i.a][lane], numbers_[i.b][lane]);
      });
    });
    if (is_binary) return;
    with_unary(step, [&]<Step known>() {
      make_each(code, [&](const Instruction& i, std::size_t lane) { return apply<known>(numbers_[i.a][lane]); });
    });
  }

  /// Lanes beyond the rows repeat the last row.
  std::size_t lane_row(std::size_t lane) const { return N == 1 || lane < rows_.n_rows ? lane : rows_.n_rows - 1; }
  std::uint64_t yes(std::uint16_t edge) const { return truths_[edge]; }
  std::uint64_t no(std::uint16_t edge) const { return truths_[edge ^ 1]; }

  RowsView rows_;
  const ModelOutputs* given_;
  std::size_t given_step_;
  const Tables& tables_;
  double numbers_[kLimits.numbers][N];
  Bits truths_[2 * kLimits.truths];
};

}  // namespace sluice::rules
