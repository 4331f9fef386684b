#include "sluice/rules/analyze/boxes.h"

#include <algorithm>

namespace sluice::rules {
namespace {

/// Adds a box unless an existing box contains it; removes the boxes that it contains.
void add(Box box, Boxes& boxes) {
  for (const Box& other : boxes)
    if (is_within(box, other)) return;
  std::erase_if(boxes, [&](const Box& other) { return is_within(other, box); });
  boxes.push_back(std::move(box));
}

}  // namespace

bool Cells::is_empty() const {
  return std::all_of(words_.begin(), words_.end(), [](std::uint64_t word) { return word == 0; });
}

Cells operator&(Cells a, const Cells& b) {
  for (std::size_t i = 0; i < a.words_.size(); ++i) a.words_[i] &= b.words_[i];
  return a;
}

bool Cells::within(const Cells& other) const {
  for (std::size_t i = 0; i < words_.size(); ++i)
    if (words_[i] & ~other.words_[i]) return false;
  return true;
}

std::size_t weight(const Box& box) {
  std::size_t steps = 10;
  for (const auto& side : box) steps += side.second.n_words();
  return steps;
}

std::optional<Box> intersection(const Box& a, const Box& b) {
  Box both;
  both.reserve(a.size() + b.size());
  auto x = a.begin();
  auto y = b.begin();
  while (x != a.end() || y != b.end()) {
    if (y == b.end() || (x != a.end() && x->first < y->first)) {
      both.push_back(*x++);
    } else if (x == a.end() || y->first < x->first) {
      both.push_back(*y++);
    } else {
      Cells cells = x->second & y->second;
      if (cells.is_empty()) return std::nullopt;
      both.emplace_back(x->first, std::move(cells));
      ++x, ++y;
    }
  }
  return both;
}

bool is_within(const Box& a, const Box& b) {
  return std::all_of(b.begin(), b.end(), [&](const auto& side) {
    const auto found = std::find_if(a.begin(), a.end(), [&](const auto& mine) { return mine.first == side.first; });
    return found != a.end() && found->second.within(side.second);
  });
}

std::optional<Boxes> united(Boxes a, const Boxes& b, std::size_t most) {
  for (const Box& box : b) add(box, a);
  if (a.size() > most) return std::nullopt;
  return a;
}

std::optional<Boxes> intersected(const Boxes& a, const Boxes& b, std::size_t most) {
  Boxes both;
  for (const Box& x : a)
    for (const Box& y : b) {
      if (auto box = intersection(x, y)) add(std::move(*box), both);
      if (both.size() > most) return std::nullopt;
    }
  return both;
}

}  // namespace sluice::rules
