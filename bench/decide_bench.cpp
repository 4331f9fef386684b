/// One decision of the forest path, its record built: what it costs beside the forest itself, and at a steady rate.
///
///   decide_bench BUNDLE [SECONDS of each round]
///
/// Fifty rules over the bundle's numbers are put after the models. At the steady rate a decision is timed from its call
/// to its return, and from the moment at which it was due, so that one that is late is seen in those behind it. Every
/// round decides the same requests, so that a request's own time can be told from what the machine did to it in one of
/// them.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench_timing.h"
#include "sluice/audit/decision_record.h"
#include "sluice/base/random.h"
#include "sluice/cascade/engine.h"

namespace {

using namespace sluice;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kRows = 4096, kRules = 50, kRate = 50'000, kRounds = 7;

Table draw_rows(const Schema& schema) {
  Random random(1);
  Table rows(schema.size(), kRows);
  for (std::size_t i = 0; i < kRows; ++i)
    for (std::size_t c = 0; c < schema.size(); ++c) rows.row(i)[c] = random.normal();
  return rows;
}

/// Two comparisons each, which one row in two hundred meets.
std::string draw_rules(const Schema& schema) {
  Random random(2);
  std::string json = R"({"ruleset": "bench", "version": 1, "hit_policy": "first", "rules": [)";
  for (std::size_t r = 0; r < kRules; ++r) {
    const auto column = [&] { return schema[random.below(schema.size())].name; };
    json += std::string(r ? "," : "") + R"({"id": "R)" + std::to_string(r) + R"(", "when": ")" + column() +
            " > 1.5 && " + column() + R"( < -1.5", "on_missing": "SKIP", "then": {"action": "REVIEW", "reason": "R"}})";
  }
  return json + "]}";
}

std::shared_ptr<const cascade::Bundle> with_rules(const char* folder) {
  auto bundle = std::make_shared<cascade::Bundle>(cascade::Bundle::load(folder));
  auto compiled = rules::RuleSet::compile(draw_rules(bundle->schema), "rules", bundle->schema, rules::Phase::post);
  throw_if_errors(compiled.diagnostics);
  bundle->post = *compiled.rules;
  return bundle;
}

class Decider {
 public:
  explicit Decider(const char* folder) : bundle(with_rules(folder)), engine(bundle), rows(draw_rows(bundle->schema)) {}

  void score_forest(std::size_t i) {
    cascade::PrefixMargins staged;
    engine.forest_stage().score(RowsView(rows.row(i % kRows)), {&staged, 1});
  }
  void decide(std::size_t i) {
    const RowView row = rows.row(i % kRows);
    const cascade::Decision d = engine.decide({.row = row, .now_us = 1'700'000'000'000'000});
    record_.clear();
    audit::encode(record_, *bundle, d, {.id = "request-17", .time_in_us = 1'700'000'000'000'000, .row = row});
  }

  const std::shared_ptr<const cascade::Bundle> bundle;
  const cascade::Engine engine;
  const Table rows;

 private:
  std::string record_;
};

struct Steady {
  std::vector<float> call_us;  // from each request's call to its return
  std::vector<float> due_us;   // from when it was due
  std::size_t n_stalls = 0;    // of the machine, seen while nothing was to do
};

template <class Work>
Steady run_steadily(const Work& work, std::size_t n_requests) {
  constexpr auto kGap = std::chrono::nanoseconds(1'000'000'000 / kRate);
  constexpr auto kStall = std::chrono::microseconds(5);
  using Microseconds = std::chrono::duration<float, std::micro>;
  Steady steady;
  steady.call_us.assign(n_requests, 0);  // touched before, so that no page is missing
  steady.due_us.assign(n_requests, 0);
  auto due = Clock::now();
  for (std::size_t i = 0; i < n_requests; ++i, due += kGap) {
    auto called = Clock::now();
    while (called < due) {
      const auto now = Clock::now();
      steady.n_stalls += now - called > kStall;
      called = now;
    }
    work(i);
    const auto returned = Clock::now();
    steady.call_us[i] = Microseconds(returned - called).count();
    steady.due_us[i] = Microseconds(returned - due).count();
  }
  return steady;
}

template <class T>
T quantile(std::vector<T>& values, double q) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

constexpr std::array kQuantiles{0.5, 0.99, 0.999, 0.9999};

/// Of each request, its median over the rounds: what a stall of the machine does to a request it does in one of them,
/// what the code does to it in all.
std::vector<float> medians_of_requests(const std::vector<Steady>& rounds) {
  std::vector<float> medians(rounds.front().due_us.size()), times(rounds.size());
  for (std::size_t i = 0; i < medians.size(); ++i) {
    for (std::size_t r = 0; r < rounds.size(); ++r) times[r] = rounds[r].due_us[i];
    medians[i] = quantile(times, 0.5);
  }
  return medians;
}

struct Line {
  const char* name;
  std::function<void(std::size_t)> work;
  std::vector<Steady> rounds = {};
};

/// Of the rounds as they were, each quantile's median.
void print_rounds(Line& line, std::vector<float> Steady::* us) {
  std::vector<double> values(line.rounds.size());
  for (const double q : kQuantiles) {
    std::ranges::transform(line.rounds, values.begin(), [=](Steady& round) { return quantile(round.*us, q); });
    std::printf(" %.2f |", quantile(values, 0.5));
  }
}

void print(Line& line) {
  std::vector<float> own = medians_of_requests(line.rounds);
  std::printf("| %s, from call to return |", line.name);
  print_rounds(line, &Steady::call_us);
  std::printf(" |\n| %s, from when it was due |", line.name);
  print_rounds(line, &Steady::due_us);
  std::vector<std::size_t> n_stalls;
  for (const Steady& round : line.rounds) n_stalls.push_back(round.n_stalls);
  std::printf(" %zu |\n| %s, from when it was due, a request's median over the rounds |", quantile(n_stalls, 0.5),
              line.name);
  for (const double q : kQuantiles) std::printf(" %.2f |", quantile(own, q));
  std::printf(" |\n");
}

void print_steadily(std::array<Line, 2> lines, std::int64_t seconds) {
  for (std::size_t round = 0; round < kRounds; ++round)
    for (Line& line : lines) line.rounds.push_back(run_steadily(line.work, kRate * static_cast<std::size_t>(seconds)));
  std::printf(
      "At a steady %zu/s, one thread, with nothing left out; %zu rounds of %lld s with the same requests, in turns:"
      "\n\n",
      kRate, kRounds, static_cast<long long>(seconds));
  std::printf("| µs | p50 | p99 | p99.9 | p99.99 | stalls seen |\n|---|---|---|---|---|---|\n");
  for (Line& line : lines) print(line);
}

void run(const char* folder, std::int64_t seconds) {
  Decider decider(folder);
  std::vector<double> forest, whole;
  for (std::size_t i = 0; i < 200'000; ++i) {
    forest.push_back(bench::microseconds([&] { decider.score_forest(i); }));
    whole.push_back(bench::microseconds([&] { decider.decide(i); }));
  }
  const auto f = bench::timing_of(std::move(forest), 1), w = bench::timing_of(std::move(whole), 1);
  std::printf("| forest alone, p50 | decide with 50 rules, record built, p50 | beside the forest |\n|---|---|---|\n");
  std::printf("| %.2f µs | %.2f µs | %.2f µs |\n\n", f.median, w.median, w.median - f.median);
  // What an equally long look at the clock meets on this machine.
  const auto look = std::chrono::nanoseconds(static_cast<std::int64_t>(1000 * w.median));
  const auto idle = [look](std::size_t) {
    for (const auto until = Clock::now() + look; Clock::now() < until;) {
    }
  };
  print_steadily({{{"decide", [&](std::size_t i) { decider.decide(i); }}, {"nothing, for as long", idle}}}, seconds);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: decide_bench BUNDLE [SECONDS of each round]\n");
    return 2;
  }
  try {
    run(argv[1], argc > 2 ? std::atoll(argv[2]) : 12);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "decide_bench: %s\n", e.what());
    return 1;
  }
}
