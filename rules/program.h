#pragma once
// Conditions as instructions for a small stack machine over doubles, and the loop that runs them.
//
// One representation for everything: NaN is missing; true is 1 and false is 0; categories, ids and times are their
// cells.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/rules/op.h"

namespace sluice::rules {

struct Instruction {
  Op op = Op::constant;
  std::uint32_t index = 0;  // a cell, a model output, a set or a word pair
  double constant = 0;
};
static_assert(sizeof(Instruction) == 16);

/// A stretch of instructions that leaves one value.
struct CodeRange {
  std::uint32_t begin = 0, end = 0;
};

/// The words of two vocabularies, a's and b's, compared through their codes.
struct WordPair {
  std::vector<std::int32_t> b_in_a;  // a's code of each word of b; -1 where a lacks it
  std::vector<bool> a_in_b;          // of each word of a: whether b has it
};

struct Inputs {
  RowView row;
  std::array<double, 5> models;
};

struct Program {
  static constexpr std::size_t kMaxStack = 256;  // compile() refuses what needs more

  std::vector<Instruction> code;
  std::vector<std::vector<double>> sets;  // each sorted
  std::vector<WordPair> word_pairs;

  double run(CodeRange range, const Inputs& inputs) const;
};

}  // namespace sluice::rules
