#include "sluice/rules/analyze.h"

#include <map>
#include <tuple>
#include <utility>

#include "sluice/rules/analyze/regions.h"
#include "sluice/rules/analyze/search.h"

namespace sluice::rules {
namespace {

constexpr const char* kTooManyBoxes = "the condition has too many alternatives";
constexpr const char* kNotExact = "a condition calculates or compares columns with each other, and no row was found";
constexpr const char* kTooLong = "the step limit was reached; later questions are undecided too";

constexpr std::size_t kMaxSides = 1'000'000;  // of all stored boxes: some hundred MiB

class Analyzer {
 public:
  Analyzer(const RuleSet& rules, const AnalyzeOptions& options)
      : rules_(rules),
        state_(rules.state()),
        options_(options),
        regions_(state_, options.max_boxes, options.max_steps),
        search_(regions_.variables().all(), state_.schema.size()) {}

  Analysis run() {
    const std::size_t n = rules_.size();
    const HitPolicy policy = rules_.hit_policy();
    const bool has_actions = policy != HitPolicy::collect && policy != HitPolicy::collect_sum;
    for (std::size_t i = 0; i < n; ++i) measure(i);
    part([&] {
      for (std::size_t i = 0; i < n; ++i) is_reachable_.push_back(check_reachable(i));
    });
    part([&] {
      for (std::size_t i = 0; i < n && !search_.is_exhausted(); ++i) check_always(i);
    });
    if (has_actions && policy != HitPolicy::unique)
      part([&] {
        for (std::size_t i = 0; i < n && !search_.is_exhausted(); ++i) check_decides(i);
      });
    if (has_actions) part([&] { check_overlaps(); });
    if (has_actions) part([&] { check_gap(); });
    return std::move(analysis_);
  }

 private:
  using Region = std::optional<Boxes>;  // none: too many boxes
  struct Firing {
    Action action;
    Region region;
  };

  template <class Work>
  void part(Work&& work) {
    search_.allow(options_.max_steps);
    work();
  }

  void measure(std::size_t i) {
    const Edge edge = state_.conditions[i].value;
    const Region yes = regions_.region(edge, Truth::yes), no = regions_.region(edge, Truth::no),
                 missing = regions_.region(edge, Truth::missing);
    const Rule& rule = rules_.rule(i);
    yes_.push_back(kept(yes));
    not_yes_.push_back(kept(regions_.any({no, missing})));
    fires_.push_back({{rule.action, yes_.back()}});
    if (rule.fires_if_missing) fires_.back().push_back({rule.action_if_missing, kept(missing)});
    is_silent_.push_back(rule.fires_if_missing ? kept(no) : not_yes_.back());
  }

  /// The region, as long as the memory limit of all regions allows.
  Region kept(Region region) {
    if (!region) return region;
    std::size_t sides = 1;
    for (const Box& box : *region) sides += box.size();
    if (sides > sides_left_) return std::nullopt;
    sides_left_ -= sides;
    return region;
  }

  Outcome outcome_of(const Witness& w) const {
    Outcome outcome;
    state_.evaluate(w.row, w.given, outcome);
    return outcome;
  }
  /// Of a single rule, from its conjuncts.
  Truth truth(std::size_t i, const Witness& w) const {
    Truth all = Truth::yes;
    for (const Truth one : state_.conjuncts_of(i, w.row, w.given)) {
      if (one == Truth::no) return Truth::no;
      if (one == Truth::missing) all = Truth::missing;
    }
    return all;
  }
  std::size_t steps_for(std::size_t i) const { return 10 + state_.conjuncts[i].code.size(); }

  bool fires(std::size_t i, Action action, const Witness& w) const {
    const Effect effect = state_.effect(i, truth(i, w));
    return effect.fires && effect.action == action;
  }

  bool check_reachable(std::size_t i) {
    if (search_.is_exhausted()) return true;
    if (!yes_[i]) return undecided(Property::unreachable, i, 0, kTooManyBoxes), true;
    const Answer answer =
        search_.find({&*yes_[i]}, steps_for(i), [&](const Witness& w) { return truth(i, w) == Truth::yes; });
    if (answer == Answer::none) found(Property::unreachable, i, 0, false, {});
    if (answer == Answer::gave_up) undecided(Property::unreachable, i, 0, why());
    return answer != Answer::none;
  }

  void check_always(std::size_t i) {
    if (rules_.rule(i).when == "true") return;
    if (!not_yes_[i]) return undecided(Property::always_true, i, 0, kTooManyBoxes);
    const Answer answer =
        search_.find({&*not_yes_[i]}, steps_for(i), [&](const Witness& w) { return truth(i, w) != Truth::yes; });
    if (answer == Answer::none) found(Property::always_true, i, 0, false, any_row());
    if (answer == Answer::gave_up) undecided(Property::always_true, i, 0, why());
  }

  Witness any_row() {
    const Boxes everything = {Box{}};
    search_.find({&everything}, 1, [](const Witness&) { return true; });
    return search_.witness();
  }

  std::size_t rank(Action action) const {
    if (rules_.hit_policy() == HitPolicy::first) return 0;
    return state_.document.rank[static_cast<std::size_t>(action)];
  }

  /// Where rule i leaves the decision to a rule of this rank after it, or before it.
  const Region& yields(std::size_t i, std::size_t to_rank, bool is_before) {
    const auto [found, is_new] = yields_.try_emplace({i, to_rank, is_before});
    if (!is_new) return found->second;
    std::vector<Region> parts = {is_silent_[i]};
    for (const Firing& firing : fires_[i])
      if (const std::size_t own = rank(firing.action); own > to_rank || (own == to_rank && !is_before))
        parts.push_back(firing.region);
    return found->second = kept(regions_.any(parts));
  }

  void check_decides(std::size_t j) {
    if (!is_reachable_[j]) return;
    Answer answer = Answer::none;
    for (const Firing& firing : fires_[j])
      if (answer != Answer::found)
        if (const Answer next = search_decisive(j, firing); next != Answer::none) answer = next;
    if (answer == Answer::none) found(Property::never_decides, j, 0, false, {});
    if (answer == Answer::gave_up) undecided(Property::never_decides, j, 0, why());
  }

  Answer search_decisive(std::size_t j, const Firing& firing) {
    if (!firing.region) return Answer::gave_up;
    std::vector<const Boxes*> regions = {&*firing.region};
    for (std::size_t i = 0; i < rules_.size(); ++i)
      if (const Region& region = yields(i, rank(firing.action), i < j); i != j && region) regions.push_back(&*region);
    return search_.find(regions, rules_.cost(), [&](const Witness& w) { return outcome_of(w).decisive == j; });
  }

  void check_overlaps() {
    std::size_t n_told = 0;
    for (std::size_t i = 0; i < rules_.size(); ++i)
      for (std::size_t j = i + 1; j < rules_.size(); ++j) {
        if (n_told == options_.max_overlaps || search_.is_exhausted()) {
          analysis_.are_overlaps_complete = false;
          return;
        }
        n_told += check_overlap(i, j);
      }
  }

  /// Whether there is something to report.
  bool check_overlap(std::size_t i, std::size_t j) {
    const bool is_unique = rules_.hit_policy() == HitPolicy::unique;
    Answer answer = Answer::none;
    for (const Firing& a : fires_[i])
      for (const Firing& b : fires_[j])
        if (answer != Answer::found && (is_unique || a.action != b.action)) {
          const Answer next = search_overlap(i, a, j, b);
          if (next != Answer::none) answer = next;
        }
    if (answer == Answer::found) found(Property::overlap, i, j, !is_unique, search_.witness());
    if (answer == Answer::gave_up) undecided(Property::overlap, i, j, why());
    return answer != Answer::none;
  }

  Answer search_overlap(std::size_t i, const Firing& a, std::size_t j, const Firing& b) {
    if (!a.region || !b.region) return Answer::gave_up;
    return search_.find({&*a.region, &*b.region}, steps_for(i) + steps_for(j),
                        [&](const Witness& w) { return fires(i, a.action, w) && fires(j, b.action, w); });
  }

  void check_gap() {
    std::vector<const Boxes*> regions;
    for (const Region& silent : is_silent_)
      if (silent) regions.push_back(&*silent);
    const Answer answer =
        search_.find(regions, rules_.cost(), [&](const Witness& w) { return outcome_of(w).n_fired == 0; });
    if (answer == Answer::found) found(Property::gap, 0, 0, true, search_.witness());
    if (answer == Answer::gave_up) undecided(Property::gap, 0, 0, why());
  }

  const char* why() const { return search_.is_exhausted() ? kTooLong : kNotExact; }

  void found(Property property, std::size_t rule, std::size_t other, bool is_note, Witness witness) {
    analysis_.findings.push_back({property, rule, other, is_note, std::move(witness.row), witness.given});
  }
  void undecided(Property property, std::size_t rule, std::size_t other, const char* why) {
    analysis_.undecided.push_back({property, rule, other, why});
  }

  const RuleSet& rules_;
  const RuleSet::State& state_;
  const AnalyzeOptions& options_;
  Regions regions_;
  Search search_;
  std::vector<Region> yes_, not_yes_, is_silent_;  // of each rule; silent: it does not fire
  std::vector<std::vector<Firing>> fires_;         // where its condition is true, and where it is missing
  std::map<std::tuple<std::size_t, std::size_t, bool>, Region> yields_;
  std::size_t sides_left_ = kMaxSides;
  std::vector<bool> is_reachable_;
  Analysis analysis_;
};

}  // namespace

Analysis analyze(const RuleSet& rules, const AnalyzeOptions& options) { return Analyzer(rules, options).run(); }

}  // namespace sluice::rules
