#pragma once
/// Rules: conditions over a request's columns, and the action of the one that decides.
///
/// A rule set is a JSON document (docs/rules.md) compiled against a schema. All rules are evaluated for every row,
/// whatever fires, so that a trace takes the same path as a decision. Missing values follow Kleene's strong
/// three-valued logic (S. C. Kleene, Introduction to Metamathematics, 1952, § 64); every rule says what it does where
/// its condition is unknown. Exact: numbers are compared as the doubles that the document and the row hold. Immutable;
/// every const call is thread-safe.

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/diagnostic.h"
#include "sluice/base/digest.h"
#include "sluice/base/schema.h"
#include "sluice/rules/action.h"

namespace sluice::rules {

/// When the rules run. Only `post` rules may read what the models gave.
enum class Phase { pre, fallback, post };

enum class HitPolicy {
  priority,     // of the rules that fire, the action that `priority` names first; within it the rule that stands first
  first,        // the rule that stands first
  unique,       // two that fire leave the row undecided
  collect,      // nothing decides: the rules that fire are the answer
  collect_sum,  // the points of all rules that fire are added, and cut-offs turn the sum into an action
};

/// What is known of one row beside its columns; NaN where it is not. What the models gave: probabilities in [0, 1],
/// margins in log-odds. The time of the decision, as the caller has it: seconds since 1970 UTC.
struct ModelOutputs {
  double p_forest = std::numeric_limits<double>::quiet_NaN();
  double p_network = std::numeric_limits<double>::quiet_NaN();
  double p_final = std::numeric_limits<double>::quiet_NaN();
  double margin_forest = std::numeric_limits<double>::quiet_NaN();
  double margin_network = std::numeric_limits<double>::quiet_NaN();
  double now = std::numeric_limits<double>::quiet_NaN();
};

constexpr std::uint16_t kNoRule = 0xffff;
constexpr std::size_t kMaxRules = 20'000;
constexpr std::size_t kMaxPatterns = 10'000;  // uses of matches in a set
constexpr std::size_t kMaxCost = 1'000'000;   // of a set, in the units of docs/rules.md: about a millisecond a row
constexpr std::int64_t kMaxPoints = 1'000'000'000;  // of one rule, either sign

/// The first 32 of a list of rules, by position in the document.
class RuleList {
 public:
  static constexpr std::size_t kCapacity = 32;

  void add(std::uint16_t rule) {
    if (size_ < kCapacity) rules_[size_++] = rule;
  }
  const std::uint16_t* begin() const { return rules_.data(); }
  const std::uint16_t* end() const { return rules_.data() + size_; }
  std::size_t size() const { return size_; }
  std::uint16_t operator[](std::size_t i) const { return rules_[i]; }
  bool operator==(const RuleList&) const = default;  // cells beyond size() stay zero

 private:
  std::uint16_t size_ = 0;
  std::array<std::uint16_t, kCapacity> rules_{};
};

/// What the rules say of one row.
struct Outcome {
  Action action = Action::none;      // none: no rule decided
  bool undecided = false;            // hit policy `unique` saw more than one rule fire; action is none
  std::uint16_t decisive = kNoRule;  // the rule whose action this is
  std::uint16_t n_fired = 0;         // all of them, also beyond what `fired` holds
  std::uint16_t n_missing = 0;       // rules whose condition was unknown, whether or not they fired for it
  RuleList fired;
  RuleList missing;
  std::int64_t points = 0;  // hit policy `collect_sum`: the sum over the rules that fired

  bool operator==(const Outcome&) const = default;
};
static_assert(std::is_trivially_copyable_v<Outcome>);

struct Rule {
  std::string id;
  std::string when;
  std::string description;
  std::string reason;
  Action action = Action::none;                    // where `when` is true
  Action action_if_missing = Action::none;         // where `when` is unknown
  bool fires_if_missing = false;                   // false: "SKIP"
  std::int64_t points = 0, points_if_missing = 0;  // hit policy `collect_sum` alone
};

enum class Truth : std::uint8_t { no, yes, missing };

struct ReadValue {
  std::string name;  // a column, or a model's output
  std::string text;  // as Schema::format_cell writes it; empty for missing
};

struct RuleTrace {
  Truth truth = Truth::no;  // of `when`
  bool fired = false;
  Action action = Action::none;   // none: did not fire, or the hit policy has no actions
  std::vector<ReadValue> values;  // everything `when` names, in order of appearance
  /// The text of the first conjunct that is false, or of the first missing one where none is; empty where `when` is
  /// true.
  std::string cause;
};

struct Trace {
  Outcome outcome;               // evaluate's, by the same path
  std::vector<RuleTrace> rules;  // one a rule, in the document's order
};

struct TestFailure {
  std::size_t test = 0;  // position in the document's "tests"
  std::string pointer;   // "/tests/0/expect/fired"
  std::string message;   // what was expected, what came
};

struct CompileResult;

/// The bytes of a file that a document names, such as a list; the name stands beside the document, without a folder.
/// Throws Error where there is none.
using ReadBeside = std::function<std::string(const std::string& name)>;

class RuleSet {
 public:
  /// Compiles `json` for rows of `schema`. With any error `rules` is empty, and the diagnostics hold all errors of the
  /// document (of one condition, the first hundred). `source` is the file's name, for messages; `read_beside` gives the
  /// files of lists, without it naming one is an error. Throws nothing but std::bad_alloc.
  static CompileResult compile(std::string_view json, std::string_view source, const Schema& schema, Phase phase,
                               const ReadBeside& read_beside = {});

  /// Reads and compiles a file, and the lists beside it. Throws Error{file.read} or Error{rules.*} with the text of
  /// every error.
  static RuleSet load(const std::filesystem::path& path, const Schema& schema, Phase phase);

  /// Evaluates one row, in schema order. Allocates nothing. Precondition: row.size() == schema.size().
  void evaluate(RowView row, const ModelOutputs& models, Outcome& outcome) const;

  /// Every row as above, 64 at a time by the same program; `models` is empty (nothing is known) or one a row. Allocates
  /// nothing. Throws Error{rules.shape} where widths or lengths differ.
  void evaluate(RowsView rows, std::span<const ModelOutputs> models, std::span<Outcome> outcomes) const;

  /// One row with the reasons: the same evaluation, then its account. Throws Error{rules.shape} for a row of another
  /// width.
  Trace trace(RowView row, const ModelOutputs& models) const;

  std::size_t size() const;
  const Rule& rule(std::size_t i) const;  // in the document's order; i < size()
  const std::string& name() const;
  std::int64_t version() const;
  HitPolicy hit_policy() const;
  Phase phase() const;

  std::size_t n_tests() const;
  /// Runs the tests that the document carries; empty where all hold.
  std::vector<TestFailure> run_tests() const;

  /// What one row costs at most, in the units of docs/rules.md; at most kMaxCost.
  std::size_t cost() const;

  /// Of the document, the files it names, the schema's digest and the phase.
  Digest digest() const;

  struct State;  // rules/eval/state.h, not installed
  const State& state() const { return *state_; }

 private:
  explicit RuleSet(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

struct CompileResult {
  std::optional<RuleSet> rules;
  std::vector<Diagnostic> diagnostics;
};

const char* to_string(Phase phase);
const char* to_string(HitPolicy policy);

}  // namespace sluice::rules
