#pragma once
/// Rules: conditions over a request's columns, and the action of the rule that decides.
///
/// A rule set is a JSON document (docs/rules.md) compiled against a schema. Every row evaluates all rules, so that a
/// trace and a decision use the same path. Missing values follow Kleene's strong three-valued logic (S. C. Kleene,
/// Introduction to Metamathematics, 1952, § 64); every rule defines what it does if its condition is unknown. Exact:
/// numbers are compared as the doubles in the document and the row.
/// Thread-safety: immutable; const calls are thread-safe.

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

/// When the rules run. Only `post` rules may read the outputs of the models.
enum class Phase { pre, fallback, post };

enum class HitPolicy {
  // Of the rules that fire, the action that `priority` lists first; of several such rules, the first in the document.
  priority,
  first,        // the first rule in the document
  unique,       // two that fire leave the row undecided
  collect,      // no rule decides: the result is the list of rules that fire
  collect_sum,  // the points of all rules that fire are added, and cut-offs turn the sum into an action
};

/// Values of one row in addition to its columns; NaN if unknown. The models' outputs: probabilities in [0, 1], margins
/// in log-odds. The time of the decision, from the caller: seconds since 1970 UTC.
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
constexpr std::size_t kMaxPatterns = 10'000;  // uses of `matches` in a set
constexpr std::size_t kMaxCost = 1'000'000;   // of a set, in the units of docs/rules.md: about a millisecond per row
constexpr std::int64_t kMaxPoints = 1'000'000'000;  // of one rule, positive or negative

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

/// The outcome of the rules for one row.
struct Outcome {
  Action action = Action::none;      // none: no rule decided
  bool undecided = false;            // hit policy `unique`, and more than one rule fired; action is none
  std::uint16_t decisive = kNoRule;  // the rule with this action
  std::uint16_t n_fired = 0;         // all of them, also those beyond the capacity of `fired`
  std::uint16_t n_missing = 0;       // rules with an unknown condition, including those that fired
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
  Action action = Action::none;                    // if `when` is true
  Action action_if_missing = Action::none;         // if `when` is unknown
  bool fires_if_missing = false;                   // false: "SKIP"
  std::int64_t points = 0, points_if_missing = 0;  // hit policy `collect_sum` only
};

enum class Truth : std::uint8_t { no, yes, missing };

struct ReadValue {
  std::string name;  // a column, or a model's output
  std::string text;  // as in Schema::format_cell; empty for missing
};

struct RuleTrace {
  Truth truth = Truth::no;  // of `when`
  bool fired = false;
  Action action = Action::none;   // none: did not fire, or the hit policy has no actions
  std::vector<ReadValue> values;  // all columns and outputs in `when`, in order of appearance
  /// The text of the first conjunct that is false, or of the first missing one if none is false; empty if `when` is
  /// true.
  std::string cause;
};

struct Trace {
  Outcome outcome;               // the same as from evaluate
  std::vector<RuleTrace> rules;  // one per rule, in the document's order
};

struct TestFailure {
  std::size_t test = 0;  // position in the document's "tests"
  std::string pointer;   // "/tests/0/expect/fired"
  std::string message;   // expected and actual value
};

struct CompileResult;

/// Reads a file that a document names, such as a list. The name has no folder; the file is in the document's folder.
/// Throws Error if there is no such file.
using ReadBeside = std::function<std::string(const std::string& name)>;

class RuleSet {
 public:
  /// Compiles `json` for rows of `schema`. If there is any error, `rules` is empty, and the diagnostics have all errors
  /// of the document (of one condition, the first hundred). `source` is the file name for messages. `read_beside` reads
  /// the files of lists; without it, a list with a file is an error. Throws only std::bad_alloc.
  static CompileResult compile(std::string_view json, std::string_view source, const Schema& schema, Phase phase,
                               const ReadBeside& read_beside = {});

  /// Reads and compiles a file, and the lists in its folder. Throws Error{file.read} or Error{rules.*} with the text of
  /// every error.
  static RuleSet load(const std::filesystem::path& path, const Schema& schema, Phase phase);

  /// Evaluates one row, in schema order. Allocates nothing. Precondition: row.size() == schema.size().
  void evaluate(RowView row, const ModelOutputs& models, Outcome& outcome) const;

  /// Evaluates every row as above, 64 at a time by the same program. `models` is empty (all unknown) or has one element
  /// per row. Allocates nothing. Throws Error{rules.shape} if widths or lengths differ.
  void evaluate(RowsView rows, std::span<const ModelOutputs> models, std::span<Outcome> outcomes) const;

  /// Evaluates one row in the same way and returns the reasons. Throws Error{rules.shape} for a row of another width.
  Trace trace(RowView row, const ModelOutputs& models) const;

  std::size_t size() const;
  const Rule& rule(std::size_t i) const;  // in the document's order; i < size()
  const std::string& name() const;
  std::int64_t version() const;
  HitPolicy hit_policy() const;
  Phase phase() const;

  std::size_t n_tests() const;
  /// Runs the document's tests; empty if all pass.
  std::vector<TestFailure> run_tests() const;

  /// The maximum cost of one row, in the units of docs/rules.md; at most kMaxCost.
  std::size_t cost() const;

  /// Digest of the document, its files, the schema's digest and the phase.
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
