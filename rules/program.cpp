#include "sluice/rules/program.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice::rules {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

// The result of a comparison: missing where either side is.
double truth(bool holds, double a, double b) { return std::isunordered(a, b) ? kMissing : holds ? 1.0 : 0.0; }

// Kleene's tables: one false decides "and", one true decides "or", whatever else is missing.
double both(double a, double b) { return a == 0.0 || b == 0.0 ? 0.0 : a * b; }
double either(double a, double b) { return a == 1.0 || b == 1.0 ? 1.0 : a + b; }

// A word outside its vocabulary differs from every word inside; two such words may or may not be the same.
double same_word(const WordPair& pair, double a, double b) {
  if (std::isunordered(a, b)) return kMissing;
  const bool a_known = a >= 0 && a < static_cast<double>(pair.a_in_b.size()),
             b_known = b >= 0 && b < static_cast<double>(pair.b_in_a.size());
  if (!a_known && !b_known) return kMissing;
  if (!a_known) return pair.b_in_a[static_cast<std::size_t>(b)] >= 0 ? 0.0 : kMissing;
  if (!b_known) return pair.a_in_b[static_cast<std::size_t>(a)] ? 0.0 : kMissing;
  return static_cast<double>(pair.b_in_a[static_cast<std::size_t>(b)]) == a ? 1.0 : 0.0;
}

double in_set(const std::vector<double>& set, double x) {
  return truth(std::binary_search(set.begin(), set.end(), x), x, x);
}

double smaller(double a, double b) { return std::isunordered(a, b) ? kMissing : b < a ? b : a; }
double larger(double a, double b) { return std::isunordered(a, b) ? kMissing : b > a ? b : a; }

}  // namespace

double Program::run(CodeRange range, const Inputs& inputs) const {
  double stack[kMaxStack];
  double* top = stack - 1;  // the last value
  const double* row = inputs.row.data();
  for (const Instruction *i = code.data() + range.begin, *end = code.data() + range.end; i != end; ++i) {
    // clang-format off
    switch (i->op) {
      case Op::constant: *++top = i->constant; break;
      case Op::cell: *++top = row[i->index]; break;
      case Op::model: *++top = inputs.models[i->index]; break;
      case Op::cell_equal: *++top = truth(row[i->index] == i->constant, row[i->index], i->constant); break;
      case Op::cell_not_equal: *++top = truth(row[i->index] != i->constant, row[i->index], i->constant); break;
      case Op::cell_less: *++top = truth(row[i->index] < i->constant, row[i->index], i->constant); break;
      case Op::cell_less_equal: *++top = truth(row[i->index] <= i->constant, row[i->index], i->constant); break;
      case Op::cell_greater: *++top = truth(row[i->index] > i->constant, row[i->index], i->constant); break;
      case Op::cell_greater_equal: *++top = truth(row[i->index] >= i->constant, row[i->index], i->constant); break;

      case Op::logical_not: *top = 1.0 - *top; break;
      case Op::negate: *top = -*top; break;
      case Op::abs: *top = std::fabs(*top); break;
      case Op::floor: *top = std::floor(*top); break;
      case Op::round: *top = std::round(*top); break;
      case Op::is_missing: *top = std::isnan(*top) ? 1.0 : 0.0; break;
      case Op::in: *top = in_set(sets[i->index], *top); break;

      case Op::logical_and: --top, *top = both(top[0], top[1]); break;
      case Op::logical_or: --top, *top = either(top[0], top[1]); break;
      case Op::equal: --top, *top = truth(top[0] == top[1], top[0], top[1]); break;
      case Op::not_equal: --top, *top = truth(top[0] != top[1], top[0], top[1]); break;
      case Op::less: --top, *top = truth(top[0] < top[1], top[0], top[1]); break;
      case Op::less_equal: --top, *top = truth(top[0] <= top[1], top[0], top[1]); break;
      case Op::greater: --top, *top = truth(top[0] > top[1], top[0], top[1]); break;
      case Op::greater_equal: --top, *top = truth(top[0] >= top[1], top[0], top[1]); break;
      case Op::same_word: --top, *top = same_word(word_pairs[i->index], top[0], top[1]); break;
      case Op::other_word: --top, *top = 1.0 - same_word(word_pairs[i->index], top[0], top[1]); break;
      case Op::add: --top, *top = top[0] + top[1]; break;
      case Op::subtract: --top, *top = top[0] - top[1]; break;
      case Op::multiply: --top, *top = top[0] * top[1]; break;
      case Op::divide: --top, *top = top[1] == 0.0 ? kMissing : top[0] / top[1]; break;
      case Op::modulo: --top, *top = std::fmod(top[0], top[1]); break;  // NaN where the divisor is 0
      case Op::coalesce: --top, *top = std::isnan(top[0]) ? top[1] : top[0]; break;
      case Op::min: --top, *top = smaller(top[0], top[1]); break;
      case Op::max: --top, *top = larger(top[0], top[1]); break;

      case Op::conditional: top -= 2, *top = std::isnan(top[0]) ? kMissing : top[0] != 0.0 ? top[1] : top[2]; break;
    }
    // clang-format on
  }
  return *top;
}

}  // namespace sluice::rules
