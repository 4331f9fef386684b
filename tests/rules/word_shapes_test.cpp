/// Words of vocabularies of no, one and many words.

#include <algorithm>

#include "naive_outcome.h"

namespace sluice::test {
namespace {

using Bool = std::optional<bool>;
using Words = std::vector<std::string>;

/// Conditions of two words, and their truth as defined in docs/rules.md.
struct WordConditions {
  Words a, b;  // vocabularies; b does not have a's odd words and has others

  Words texts() const {
    Words texts = {"a == b", "a != b", "is_missing(a)", "size(a) > 2"};
    if (a.empty()) return texts;
    texts.push_back("a == \"" + a.back() + "\"");
    texts.push_back("a in [\"" + a.front() + "\", \"" + a.back() + "\"]");
    return texts;
  }

  /// A word outside its vocabulary differs from all words inside; two such words may be equal.
  std::vector<Bool> truths(double code_a, double code_b) const {
    const bool has_a = !std::isnan(code_a), has_both = has_a && !std::isnan(code_b);
    const auto word = [](const Words& words, double code) {
      return code < static_cast<double>(words.size()) ? words[static_cast<std::size_t>(code)] : "";
    };
    const std::string word_a = word(a, code_a), word_b = word(b, code_b);
    Bool same;
    if (has_both && !word_a.empty() && !word_b.empty()) same = word_a == word_b;
    if (has_both && word_a.empty() && std::ranges::count(a, word_b) > 0) same = false;
    if (has_both && word_b.empty() && std::ranges::count(b, word_a) > 0) same = false;
    const Bool is_long = word_a.empty() ? Bool() : Bool(word_a.size() > 2);
    std::vector<Bool> truths = {same, same ? Bool(!*same) : Bool(), !has_a, is_long};
    if (a.empty()) return truths;
    truths.push_back(has_a ? Bool(word_a == a.back()) : Bool());
    truths.push_back(has_a ? Bool(word_a == a.front() || word_a == a.back()) : Bool());
    return truths;
  }
};

/// Missing, unseen, and words from both ends.
std::vector<double> codes(std::size_t n) {
  std::vector<double> out = {kMissing, static_cast<double>(n)};
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, n / 2, n - 2, n - 1})
    if (i < n) out.push_back(static_cast<double>(i));
  return out;
}

void check_words(const WordConditions& conditions) {
  const Words texts = conditions.texts();
  std::vector<Json> json;
  for (const std::string& text : texts) json.push_back(rule_json("R" + std::to_string(json.size()), text));
  const RuleSet rules =
      compiled(document(json), Schema({{.name = "a", .kind = Kind::category, .vocabulary = conditions.a},
                                       {.name = "b", .kind = Kind::category, .vocabulary = conditions.b}}));
  Table rows(2);
  for (const double a : codes(conditions.a.size()))
    for (const double b : codes(conditions.b.size())) rows.append(std::vector<double>{a, b});
  std::vector<Outcome> outcomes(rows.n_rows());
  rules.evaluate(rows.view(), {}, outcomes);
  for (std::size_t r = 0; r < rows.n_rows(); ++r) {
    const std::vector<Bool> truths = conditions.truths(rows.row(r)[0], rows.row(r)[1]);
    const Trace trace = rules.trace(rows.row(r), {});
    for (std::size_t i = 0; i < truths.size(); ++i) {
      CAPTURE(conditions.a.size(), conditions.b.size(), rows.row(r)[0], rows.row(r)[1], texts[i]);
      REQUIRE(static_cast<int>(trace.rules[i].truth) == static_cast<int>(to_truth(truths[i])));
    }
    REQUIRE(outcomes[r] == trace.outcome);
  }
}

}  // namespace

TEST_CASE("words of vocabularies of every size compare as documented, also unseen and missing ones") {
  const std::vector<std::size_t> sizes = {0, 1, 2, 63, 64, 65, 300};
  for (const std::size_t n_a : sizes)
    for (const std::size_t n_b : sizes) {
      WordConditions conditions;
      for (std::size_t i = 0; i < n_a; ++i) conditions.a.push_back("w" + std::to_string(i));
      for (std::size_t i = 0; i < n_b; ++i) conditions.b.push_back((i % 2 == 0 ? "w" : "v") + std::to_string(i));
      check_words(conditions);
    }
}

}  // namespace sluice::test
