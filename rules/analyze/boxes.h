#pragma once
// Sets of rows as unions of boxes: for some of the variables, the cells that a value may be in.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::rules {

/// One bit per cell of one variable.
class Cells {
 public:
  explicit Cells(std::size_t n = 0, bool all = false) : n_(n), words_((n + 63) / 64, all ? ~0ULL : 0) {
    if (all && n % 64) words_.back() = ~0ULL >> (64 - n % 64);
  }
  void add(std::size_t cell) { words_[cell / 64] |= 1ULL << (cell % 64); }
  bool has(std::size_t cell) const { return words_[cell / 64] >> (cell % 64) & 1; }
  std::size_t size() const { return n_; }
  std::size_t n_words() const { return words_.size(); }
  bool is_empty() const;
  bool is_all() const { return *this == Cells(n_, true); }
  bool operator==(const Cells&) const = default;
  friend Cells operator&(Cells a, const Cells& b);
  bool within(const Cells& other) const;

 private:
  std::size_t n_;
  std::vector<std::uint64_t> words_;
};

/// By variable, in order; a variable that is absent is unconstrained.
using Box = std::vector<std::pair<std::uint32_t, Cells>>;

/// The cost of examining a box, in steps of about 10 ns.
std::size_t weight(const Box& box);

/// nullopt if no row is in both.
std::optional<Box> intersection(const Box& a, const Box& b);

/// Whether every row of `a` is in `b`.
bool is_within(const Box& a, const Box& b);

using Boxes = std::vector<Box>;  // none: no row; a box without variables: every row

/// Both return nullopt beyond `most` boxes.
std::optional<Boxes> united(Boxes a, const Boxes& b, std::size_t most);
std::optional<Boxes> intersected(const Boxes& a, const Boxes& b, std::size_t most);

}  // namespace sluice::rules
