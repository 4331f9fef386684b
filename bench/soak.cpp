/// The whole of a decision engine under faults: decisions with deadlines at full rate, stages that fail in every way, a
/// new bundle every second, every decision logged. Afterwards every record is accounted for, verified and replayed.
///
///   soak FOLDER SECONDS [SEED]
///
/// Exit code 1 where anything was lost, doubled or different, or a count does not add up. What was late is printed: a
/// busy machine makes it so. The log is left in FOLDER.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "machine_stalls.h"
#include "sluice/audit/log.h"
#include "sluice/audit/log/log_reader.h"
#include "sluice/audit/replay.h"
#include "sluice/audit/verify.h"
#include "sluice/base/random.h"
#include "sluice/cascade/resilience/fault_plan.h"
#include "sluice/cascade/resilience/isolate.h"
#include "sluice/cascade/rollout/deployment.h"
#include "support/small_bundle.h"

namespace {

using namespace sluice;
using namespace cascade;
using namespace bench;
using std::chrono::microseconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kThreads = 2, kRows = 4096;
constexpr std::int64_t kBudgetUs = 10'000, kGraceUs = 1'000;
constexpr double kForestRate = 0.0002, kOtherRate = 0.001;  // of each kind of fault, a call

struct Faults {
  explicit Faults(double rate, std::uint64_t seed) {
    FaultOptions options{.delay_us = 2 * kBudgetUs, .stuck_us = 50'000, .may_end_threads = true, .seed = seed};
    options.rates.fill(rate);
    plan = std::make_shared<FaultPlan>(options);
  }
  std::shared_ptr<FaultPlan> plan;
};

struct World {
  explicit World(std::uint64_t seed)
      : forest(kForestRate, seed), provider(kOtherRate, seed + 1), network(kOtherRate, seed + 2) {}
  Faults forest, provider, network;
};

/// Gives what the row has.
struct RowProvider final : FeatureProvider {
  explicit RowProvider(const Schema& s) : schema(s) {}
  Result fetch(RowView row, std::span<double> late, Deadline) const override {
    const auto columns = schema.late_columns();
    for (std::size_t i = 0; i < columns.size(); ++i) late[i] = row[columns[i]];
    return Result::ok;
  }
  Schema schema;
};

Engine make_engine(std::shared_ptr<const Bundle> bundle, EngineOptions options, const World& world) {
  std::shared_ptr<const ForestStage> forest = make_forest_stage(bundle->forests, bundle->schema);
  std::shared_ptr<const NetworkStage> network = make_network_stage(bundle->network, {});
  forest = with_faults(std::move(forest), world.forest.plan);
  network = with_faults(std::move(network), world.network.plan);
  const IsolationOptions isolation{.n_threads = 2, .max_wait_us = kBudgetUs};
  options.forest = isolate(std::move(forest), bundle->schema, isolation);
  options.network = isolate(std::move(network), bundle->schema, isolation);
  return Engine(std::move(bundle), std::move(options));
}

struct Tally {
  std::uint64_t decided = 0, refused = 0;
  std::vector<Late> late;
  std::vector<std::uint32_t> us;  // counts by microsecond
};

class Client {
 public:
  Client(Deployment& deployment, audit::Log& log, const FeatureProvider& provider, const Table& rows,
         std::size_t number)
      : deployment_(deployment), log_(log), provider_(provider), rows_(rows), number_(number) {
    tally.us.resize(100'000);
  }

  void run(const std::atomic<bool>& is_over) {
    const StallClock stalls;
    std::int64_t waited = stalls.waited_ns();
    while (!is_over) {
      const auto start = Clock::now();
      decide(tally.decided++);
      const auto end = Clock::now();
      const std::int64_t waited_now = stalls.waited_ns();
      note(start, end, (waited_now - waited) / 1000);
      waited = waited_now;
    }
  }

  Tally tally;

 private:
  void decide(std::uint64_t n) {
    const RowView row = rows_.row((n * kThreads + number_) % kRows);
    const std::int64_t now_us =
        std::chrono::duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    char id[32];
    const int length = std::snprintf(id, sizeof id, "%zu:%llu", number_, static_cast<unsigned long long>(n));
    const auto use = deployment_.use();
    const Decision d = use.decide({.row = row,
                                   .deadline = Deadline::in(microseconds(kBudgetUs)),
                                   .provider = &provider_,
                                   .now_us = now_us,
                                   .priority = static_cast<Priority>(n % kPriorityCount)});
    const auto appended = log_.append(use.bundle(), d,
                                      {.id = {id, static_cast<std::size_t>(length)},
                                       .subject = mix64(n % 1000),
                                       .time_in_us = now_us,
                                       .time_out_us = now_us,
                                       .row = row});
    tally.refused += appended == audit::Appended::refused;
  }

  void note(Clock::time_point start, Clock::time_point end, std::int64_t waited_us) {
    const auto us = std::chrono::duration_cast<microseconds>(end - start).count();
    ++tally.us[static_cast<std::size_t>(std::min<std::int64_t>(us, static_cast<std::int64_t>(tally.us.size()) - 1))];
    if (us > kBudgetUs + kGraceUs) tally.late.push_back({start + microseconds(kBudgetUs), end, waited_us});
  }

  Deployment& deployment_;
  audit::Log& log_;
  const FeatureProvider& provider_;
  const Table& rows_;
  std::size_t number_;
};

/// How often each request is in the log, and its levels and causes.
struct Found {
  std::uint64_t n_records = 0, n_lost = 0, n_doubled = 0;
  std::array<std::uint64_t, kLevelCount> levels{};
  std::array<std::uint64_t, kCauseCount> causes{};
};

Found account(const std::filesystem::path& folder, const std::array<std::uint64_t, kThreads>& decided) {
  std::array<std::vector<bool>, kThreads> seen;
  for (std::size_t t = 0; t < kThreads; ++t) seen[t].resize(decided[t]);
  Found found;
  audit::LogReader reader(folder);
  audit::PayloadReader payloads(folder);
  for (audit::EntryView entry; reader.next(entry);) {
    if (entry.header.kind != audit::EntryKind::decision) continue;
    const auto parts = audit::split(*payloads.read(entry));
    const auto outcome = audit::decode_outcome(parts.outcome);
    const std::string id = audit::decode_head(parts.head).id;
    const auto thread = static_cast<std::size_t>(id[0] - '0');
    const std::uint64_t n = std::strtoull(id.c_str() + 2, nullptr, 10);
    found.n_doubled += seen.at(thread).at(n);
    seen[thread][n] = true;
    ++found.n_records;
    ++found.levels[static_cast<std::size_t>(outcome.level)];
    ++found.causes[static_cast<std::size_t>(outcome.cause)];
  }
  reader.require_sound();
  for (const auto& of : seen) found.n_lost += static_cast<std::uint64_t>(std::count(of.begin(), of.end(), false));
  return found;
}

struct Soak {
  std::array<Tally, kThreads> tallies;
  std::vector<Stall> stalls;
  Ledger::Counts ledger;
  audit::LogStatus log;
  std::uint64_t not_written = 0, n_swaps = 0, n_refused_swaps = 0;
};

Soak run(const std::filesystem::path& folder, const std::array<std::shared_ptr<const Bundle>, 2>& bundles, World& world,
         std::chrono::seconds length) {
  audit::Log log(folder / "log", {.spill_records = 1 << 20});
  const RowProvider gives(bundles[0]->schema);
  const auto provider = isolate(
      std::shared_ptr<const FeatureProvider>(with_faults(std::make_shared<RowProvider>(gives), world.provider.plan)),
      bundles[0]->schema, {.n_threads = 2, .max_wait_us = kBudgetUs});
  DeploymentOptions options;
  // Shadows run and are compared; faults that are injected here are not the bundle's.
  options.guard = {
      .window_ms = 500, .max_degraded_rise = 2, .max_late_rise = 2, .max_action_shift = 2, .max_slowdown = 1e9};
  options.history = folder / "history.jsonl";
  options.make_engine = [&world](std::shared_ptr<const Bundle> bundle, const EngineOptions& base) {
    return make_engine(std::move(bundle), base, world);
  };
  Deployment deployment(bundles[0], "soak", "start", options);
  const Table rows = test::small_rows(bundles[0]->schema, kRows, 7);
  std::vector<Client> clients;
  for (std::size_t t = 0; t < kThreads; ++t) clients.emplace_back(deployment, log, *provider, rows, t);
  std::atomic<bool> is_over = false;
  Canaries canaries;
  std::vector<std::thread> threads;
  for (Client& client : clients) threads.emplace_back([&client, &is_over] { client.run(is_over); });
  Soak soak;
  for (const auto end = Clock::now() + length; Clock::now() < end;
       std::this_thread::sleep_for(std::chrono::seconds(1))) {
    try {
      deployment.promote(bundles[(soak.n_swaps + 1) % 2], "soak", "every second");
      ++soak.n_swaps;
    } catch (const std::exception&) {
      ++soak.n_refused_swaps;  // a fault met its warm-up
    }
  }
  is_over = true;
  for (auto& thread : threads) thread.join();
  soak.stalls = canaries.stop();
  for (std::size_t t = 0; t < kThreads; ++t) soak.tallies[t] = std::move(clients[t].tally);
  soak.ledger = deployment.counts();
  soak.log = log.status();
  soak.not_written = log.close();
  for (const auto& plan : {world.forest.plan, world.provider.plan, world.network.plan}) plan->release();
  return soak;
}

double quantile_us(const std::array<Tally, kThreads>& tallies, double q) {
  std::uint64_t n = 0, seen = 0;
  for (const Tally& tally : tallies) n += tally.decided;
  for (std::size_t us = 0; us < tallies[0].us.size(); ++us) {
    for (const Tally& tally : tallies) seen += tally.us[us];
    if (static_cast<double>(seen) >= q * static_cast<double>(n)) return static_cast<double>(us);
  }
  return static_cast<double>(tallies[0].us.size());
}

void row(const char* name, std::uint64_t n) {
  std::printf("| %s | %llu |\n", name, static_cast<unsigned long long>(n));
}

void print_faults(const World& world) {
  std::printf("\nInjected faults:\n\n| | forest | provider | network |\n|---|---|---|---|\n");
  for (std::size_t f = 1; f < kFaultCount; ++f) {
    const auto fault = static_cast<Fault>(f);
    std::printf("| %s | %llu | %llu | %llu |\n", to_string(fault),
                static_cast<unsigned long long>(world.forest.plan->count(fault)),
                static_cast<unsigned long long>(world.provider.plan->count(fault)),
                static_cast<unsigned long long>(world.network.plan->count(fault)));
  }
}

int judge(const std::filesystem::path& folder, const std::array<std::shared_ptr<const Bundle>, 2>& bundles,
          const Soak& soak, const World& world, std::int64_t seconds) {
  std::array<std::uint64_t, kThreads> decided{};
  std::uint64_t total = 0, late = 0, stalled = 0, refused = 0;
  std::int64_t latest = 0;
  for (std::size_t t = 0; t < kThreads; ++t) {
    const Tally& tally = soak.tallies[t];
    total += decided[t] = tally.decided;
    refused += tally.refused;
    for (const Late& one : tally.late) {
      const std::int64_t us = unexplained_us(one, soak.stalls);
      ++(us > kGraceUs ? late : stalled);
      latest = std::max(latest, us);
    }
  }
  const Found found = account(folder / "log", decided);
  const auto verified = audit::verify_log(folder / "log");
  std::uint64_t n_replayed = 0, n_different = 0;
  std::string first_difference;
  for (const auto& bundle : bundles) {
    ThreadPool pool;
    const auto report =
        audit::replay(folder / "log", bundle, {.pool = &pool, .only_this_bundle = true, .max_differences = 1});
    n_replayed += report.n_records;
    n_different += report.n_different;
    if (!report.differences.empty()) first_difference = report.differences[0].id + ": " + report.differences[0].what;
  }
  const bool is_balanced = soak.ledger.in == total && soak.ledger.under_way() == 0 &&
                           soak.ledger.levels == found.levels && soak.ledger.causes == found.causes;
  std::printf(
      "%lld s, %zu threads, %.0f decisions/s, p50 %.0f µs, p99 %.0f µs, p99.9 %.0f µs; deadline %lld µs.\n\n| | "
      "|\n|---|---|\n",
      static_cast<long long>(seconds), kThreads, static_cast<double>(total) / static_cast<double>(seconds),
      quantile_us(soak.tallies, 0.5), quantile_us(soak.tallies, 0.99), quantile_us(soak.tallies, 0.999),
      static_cast<long long>(kBudgetUs));
  row("decisions", total);
  row("bundles swapped under load", soak.n_swaps);
  row("refused, because a fault met their warm-up", soak.n_refused_swaps);
  row("lost", found.n_lost + refused + soak.not_written);
  row("doubled", found.n_doubled);
  row("later than the deadline + 1 ms", late);
  row("the same, but for a stall of the machine", stalled);
  row("latest beyond the deadline, stalls left out, µs", static_cast<std::uint64_t>(std::max<std::int64_t>(0, latest)));
  for (std::size_t l = 0; l < kLevelCount; ++l) row(to_string(static_cast<Level>(l)), soak.ledger.levels[l]);
  std::printf("| ledger = log, by level and cause | %s |\n", is_balanced ? "yes" : "NO");
  std::printf("| the log verifies | %s |\n", verified.is_whole() ? "yes" : "NO");
  row("records that waited beside the ring", soak.log.spilled);
  row("replayed", n_replayed);
  row("replayed otherwise", n_different);
  print_faults(world);
  if (!first_difference.empty()) std::printf("\nfirst difference: %s\n", first_difference.c_str());
  const bool ok = found.n_lost + refused + soak.not_written + found.n_doubled + n_different == 0 && is_balanced &&
                  verified.is_whole() && n_replayed == total;
  return ok ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: soak FOLDER SECONDS [SEED]\n");
    return 2;
  }
  try {
    const std::filesystem::path folder = argv[1];
    const std::int64_t seconds = std::atoll(argv[2]);
    std::filesystem::create_directories(folder);
    const test::SmallBundleOptions options{.with_late = true, .with_rules = true, .band = Band{0.3, 0.7}};
    test::SmallBundleOptions by_gain = options;  // bundle a forwards by probability, b by gain
    by_gain.band = test::kGainBand;
    const std::array<std::shared_ptr<const Bundle>, 2> bundles = {test::small_bundle(folder / "a", 1, options),
                                                                  test::small_bundle(folder / "b", 2, by_gain)};
    World world(argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1);
    const Soak soak = run(folder, bundles, world, std::chrono::seconds(seconds));
    return judge(folder, bundles, soak, world, seconds);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "soak: %s\n", e.what());
    return 2;
  }
}
