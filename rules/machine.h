#pragma once
// Runs a program over N rows at once: 1 or 64. Both are one template, so a row alone and a row of a batch get the same
// answers.
//
//   numbers[r]     row 0   row 1   …   row N-1     doubles, NaN is missing
//   truths[2r]     one bit a row: known and true
//   truths[2r+1]   one bit a row: known and false; neither bit is "missing"
//
// An operand's edge e reads truths[e] as its "true" and truths[e ^ 1] as its "false": negation is a swap.

#include <bit>
#include <cstring>

#include "sluice/base/batch.h"
#include "sluice/rules/arithmetic.h"
#include "sluice/rules/compare.h"
#include "sluice/rules/program.h"
#include "sluice/rules/ruleset.h"

namespace sluice::rules {

template <std::size_t N>
class Machine {
 public:
  /// Rows from `rows` on, at most N; `given` is one a row, or one for all where `n_given` is 1.
  Machine(RowsView rows, const ModelOutputs* given, std::size_t n_given, const Tables& tables)
      : rows_(rows), given_(given), given_step_(n_given > 1), tables_(tables) {}

  /// Calls output(root, yes, no) for each root in order: a bit a row; bits beyond the rows mean nothing.
  template <class Output>
  void run(const Program& program, Output&& output) {
    for (const Instruction& i : program.code) {
      if (i.step == Step::output)
        output(i.index, truths_[i.a], truths_[i.a ^ 1]);
      else if (is_truth(i.step))
        decide(i);
      else
        compute(i);
    }
  }

 private:
  void decide(const Instruction& i) {
    switch (i.step) {
      // clang-format off
      case Step::unknown: return set(i, {0, 0});
      case Step::truth: return set(i, {~0ULL, 0});
      case Step::both: return set(i, {yes(i.a) & yes(i.b), no(i.a) | no(i.b)});
      case Step::pick_truth: return set(i, {(yes(i.a) & yes(i.b)) | (no(i.a) & yes(i.c)), (yes(i.a) & no(i.b)) | (no(i.a) & no(i.c))});
      case Step::same_truth: return set(i, {(yes(i.a) & yes(i.b)) | (no(i.a) & no(i.b)), (yes(i.a) & no(i.b)) | (no(i.a) & yes(i.b))});
      case Step::known_truth: return set(i, {yes(i.a) | no(i.a), ~(yes(i.a) | no(i.a))});
      case Step::first_truth: return set(i, {yes(i.a) | (~no(i.a) & yes(i.b)), no(i.a) | (~yes(i.a) & no(i.b))});
      case Step::known_number: return set(i, compare<N, Equal, Unordered>(Each{numbers_[i.a]}, Each{numbers_[i.a]}));
      case Step::equal: return set(i, compare<N, Equal, Differ>(Each{numbers_[i.a]}, Each{numbers_[i.b]}));
      case Step::less: return set(i, compare<N, Less, GreaterEqual>(Each{numbers_[i.a]}, Each{numbers_[i.b]}));
      case Step::less_equal: return set(i, compare<N, LessEqual, Greater>(Each{numbers_[i.a]}, Each{numbers_[i.b]}));
      case Step::equal_constant: return set(i, compare<N, Equal, Differ>(Each{numbers_[i.a]}, All{i.constant}));
      case Step::less_constant: return set(i, compare<N, Less, GreaterEqual>(Each{numbers_[i.a]}, All{i.constant}));
      case Step::less_equal_constant: return set(i, compare<N, LessEqual, Greater>(Each{numbers_[i.a]}, All{i.constant}));
      default: return look_up(i);
        // clang-format on
    }
  }

  void look_up(const Instruction& i) {
    Planes planes;
    for (std::size_t lane = 0; lane < N; ++lane) {
      const double x = numbers_[i.a][lane];
      const Planes one = i.step == Step::in_set        ? in_set(tables_.sets[i.index], x)
                         : i.step == Step::truth_table ? in_table(tables_.truths[i.index], x)
                                                       : same_word(tables_.word_pairs[i.index], x, numbers_[i.b][lane]);
      planes.yes |= one.yes << lane;
      planes.no |= one.no << lane;
    }
    set(i, planes);
  }

  void compute(const Instruction& i) {
    double* out = numbers_[i.out];
    const double *a = numbers_[i.a], *b = numbers_[i.b];
    if (i.step == Step::cell) {
      for (std::size_t lane = 0; lane < N; ++lane) out[lane] = rows_.data[lane_row(lane) * rows_.stride + i.index];
    } else if (i.step == Step::constant) {
      for (std::size_t lane = 0; lane < N; ++lane) out[lane] = i.constant;
    } else if (i.step == Step::given) {
      for (std::size_t lane = 0; lane < N; ++lane)
        out[lane] = given_value(given_[lane_row(lane) * given_step_], i.index);
    } else if (i.step == Step::number_table) {
      for (std::size_t lane = 0; lane < N; ++lane) out[lane] = word_number(tables_.numbers[i.index], a[lane]);
    } else if (i.step == Step::pick_number) {
      pick(i);
    } else if (!with_binary(i.step, [&]<Step step>() {
                 for (std::size_t lane = 0; lane < N; ++lane) out[lane] = apply<step>(a[lane], b[lane]);
               })) {
      with_unary(i.step, [&]<Step step>() {
        for (std::size_t lane = 0; lane < N; ++lane) out[lane] = apply<step>(a[lane]);
      });
    }
  }

  void pick(const Instruction& i) {
    for (std::size_t lane = 0; lane < N; ++lane)
      numbers_[i.out][lane] = yes(i.a) >> lane & 1  ? numbers_[i.b][lane]
                              : no(i.a) >> lane & 1 ? numbers_[i.c][lane]
                                                    : kMissing;
  }

  /// Lanes beyond the rows repeat the last one.
  std::size_t lane_row(std::size_t lane) const { return N == 1 || lane < rows_.n_rows ? lane : rows_.n_rows - 1; }
  std::uint64_t yes(std::uint16_t edge) const { return truths_[edge]; }
  std::uint64_t no(std::uint16_t edge) const { return truths_[edge ^ 1]; }
  void set(const Instruction& i, Planes planes) {
    truths_[2 * i.out] = planes.yes;
    truths_[2 * i.out + 1] = planes.no;
  }

  RowsView rows_;
  const ModelOutputs* given_;
  std::size_t given_step_;
  const Tables& tables_;
  double numbers_[kMaxNumbers][N];
  std::uint64_t truths_[2 * kMaxTruths];
};

}  // namespace sluice::rules
