/// One decision of the forest path, its record built: what it costs beside the forest itself, and at a steady rate.
///
///   decide_bench BUNDLE [SECONDS of each round]
///
/// Fifty rules over the bundle's numbers are put after the models. At the steady rate a decision is timed from the
/// moment at which it was due, so that one that is late is seen in those behind it. Stalls of the machine between two
/// decisions are left out, and then, in rounds of their own, nothing is.

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

constexpr std::size_t kRows = 4096, kRules = 50, kRate = 50'000, kRounds = 5;

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

  void score_forest() {
    cascade::StagedMargins staged;
    engine.forest_stage().score(RowsView(rows.row(i_++ % kRows)), {&staged, 1});
  }
  void decide() {
    const RowView row = rows.row(i_++ % kRows);
    const cascade::Decision d = engine.decide({.row = row, .now_us = 1'700'000'000'000'000});
    record_.clear();
    audit::encode(record_, *bundle, d, {.id = "request-17", .time_in_us = 1'700'000'000'000'000, .row = row});
  }

  const std::shared_ptr<const cascade::Bundle> bundle;
  const cascade::Engine engine;
  const Table rows;

 private:
  std::size_t i_ = 0;
  std::string record_;
};

enum class Stalls { left_out, counted_in };

struct Steady {
  std::vector<float> us;
  std::size_t n_stalls = 0;  // of the machine, seen while nothing was to do
};

/// Spins until `due`. Where stalls are left out, what was due while the machine stood still is due when it goes on, and
/// the schedule begins anew from there.
Clock::time_point wait_until(Clock::time_point due, Stalls stalls, Steady& steady) {
  constexpr auto kStall = std::chrono::microseconds(5);
  for (auto last = Clock::now();;) {
    const auto now = Clock::now();
    if (now - last > kStall) {
      ++steady.n_stalls;
      if (stalls == Stalls::left_out) due = std::max(due, now);
    }
    if (now >= due) return due;
    last = now;
  }
}

template <class Work>
Steady run_steadily(const Work& work, std::int64_t seconds, Stalls stalls) {
  constexpr auto kGap = std::chrono::nanoseconds(1'000'000'000 / kRate);
  Steady steady;
  steady.us.assign(kRate * static_cast<std::size_t>(seconds), 0);  // touched before, so that no page is missing
  auto due = Clock::now();
  for (float& us : steady.us) {
    due = wait_until(due, stalls, steady);
    work();
    us = std::chrono::duration<float, std::micro>(Clock::now() - due).count();
    due += kGap;
  }
  return steady;
}

double quantile(std::vector<float>& times, double q) {
  const auto at = times.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(times.size() - 1));
  std::nth_element(times.begin(), at, times.end());
  return *at;
}

constexpr std::array kQuantiles{0.5, 0.99, 0.999, 0.9999};

/// Of each quantile, and of the number of stalls, the median over the rounds; of p99.9 the least too: other guests of a
/// machine only ever add to a tail.
void print(const char* name, std::vector<Steady> rounds) {
  std::printf("| %s |", name);
  const auto sorted = [&](auto of) {
    std::vector<double> values;
    for (Steady& round : rounds) values.push_back(of(round));
    std::ranges::sort(values);
    return values;
  };
  for (const double q : kQuantiles)
    std::printf(" %.2f |", sorted([q](Steady& round) { return quantile(round.us, q); })[rounds.size() / 2]);
  std::printf(" %.2f |", sorted([](Steady& round) { return quantile(round.us, 0.999); }).front());
  std::printf(" %.0f |\n",
              sorted([](Steady& round) { return static_cast<double>(round.n_stalls); })[rounds.size() / 2]);
}

void print_steadily(const std::function<void()>& decide, const std::function<void()>& idle, std::int64_t seconds) {
  struct Line {
    const char* name;
    const std::function<void()>& work;
    Stalls stalls;
    std::vector<Steady> rounds = {};
  };
  Line lines[] = {{"decide, stalls left out", decide, Stalls::left_out},
                  {"nothing, for as long, stalls left out", idle, Stalls::left_out},
                  {"decide, nothing left out", decide, Stalls::counted_in},
                  {"nothing, for as long, nothing left out", idle, Stalls::counted_in}};
  for (std::size_t round = 0; round < kRounds; ++round)
    for (Line& line : lines) line.rounds.push_back(run_steadily(line.work, seconds, line.stalls));
  std::printf(
      "At a steady %zu/s, one thread, from when each was due. Medians of %zu rounds of %lld s, in turns:\n\n"
      "| µs | p50 | p99 | p99.9 | p99.99 | p99.9, quietest round | stalls seen |\n|---|---|---|---|---|---|---|\n",
      kRate, kRounds, static_cast<long long>(seconds));
  for (Line& line : lines) print(line.name, std::move(line.rounds));
}

void run(const char* folder, std::int64_t seconds) {
  Decider decider(folder);
  std::vector<double> forest, whole;
  for (int k = 0; k < 200'000; ++k) {
    forest.push_back(bench::microseconds([&] { decider.score_forest(); }));
    whole.push_back(bench::microseconds([&] { decider.decide(); }));
  }
  const auto f = bench::timing_of(std::move(forest), 1), w = bench::timing_of(std::move(whole), 1);
  std::printf("| forest alone, p50 | decide with 50 rules, record built, p50 | beside the forest |\n|---|---|---|\n");
  std::printf("| %.2f µs | %.2f µs | %.2f µs |\n\n", f.median, w.median, w.median - f.median);
  // What an equally long look at the clock meets on this machine.
  const auto look = std::chrono::nanoseconds(static_cast<std::int64_t>(1000 * w.median));
  const auto idle = [look] {
    for (const auto until = Clock::now() + look; Clock::now() < until;) {
    }
  };
  print_steadily([&] { decider.decide(); }, idle, seconds);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: decide_bench BUNDLE [SECONDS]\n");
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
