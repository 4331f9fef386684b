#pragma once
// Finds the common type of the values in one operation: words become codes, durations become seconds, all other types
// must be equal.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sluice/rules/compile/ast.h"
#include "sluice/rules/compile/faults.h"

namespace sluice::rules {

class Unifier {
 public:
  Unifier(Ast& ast, std::string_view text, Faults& faults) : ast_(ast), text_(text), faults_(faults) {}

  /// The common type of `items`, to which their texts and durations are converted; invalid after a fault, or if one of
  /// them is invalid. `verb` completes the message "A cannot be ... B". Faults point at `at`, or at the item that does
  /// not match.
  Type common(std::span<const std::size_t> items, std::string_view verb, const std::size_t* at = nullptr);

  /// Converts a duration to seconds.
  void to_seconds(std::size_t item);

  /// Reports that the items' types do not match, with what to write instead if known.
  void mismatch(std::size_t left, std::size_t right, std::string_view verb, std::size_t at);

 private:
  bool resolve_text(std::size_t item, const Type& wanted, std::string_view verb, std::size_t at);
  bool resolve_made_text(Node& literal, const Type& wanted);
  std::optional<double> code_of(const Column& column, std::string_view word);
  std::string hint_for(const Node& left, const Node& right) const;
  std::string hint_for_unit(const Node& united, const Node& bare) const;
  Node& node(std::size_t i) { return ast_.nodes[i]; }
  std::string_view text_of(const Node& n) const { return text_.substr(n.begin, n.end - n.begin); }

  Ast& ast_;
  std::string_view text_;
  Faults& faults_;
  std::unordered_map<const Column*, std::unordered_map<std::string_view, double>> codes_;  // of the vocabularies seen
};

}  // namespace sluice::rules
