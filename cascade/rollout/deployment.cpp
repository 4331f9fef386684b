#include "sluice/cascade/rollout/deployment.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/json_text.h"
#include "sluice/base/thread_pool.h"
#include "sluice/cascade/rollout/shadow.h"

namespace sluice::cascade {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kShadowQueue = 256;
constexpr auto kLook = std::chrono::milliseconds(5);  // between two looks at the guard

std::int64_t system_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void check_columns(const Bundle& now, const Bundle& next) {
  if (now.schema.digest() == next.schema.digest()) return;
  throw Error("deployment.schema", "the new bundle's schema is not that of the bundle in service",
              "create another deployment for a bundle with another schema");
}

/// Scores empty rows one by one, as requests arrive, to touch all pages and to keep a forest without an answer out of
/// service. The engine has already measured its network.
void warm_up(const Engine& engine) {
  constexpr int kRows = 64;
  const Table row(engine.bundle().schema.size(), 1);
  for (int k = 0; k < kRows; ++k) {
    PrefixMargins staged;
    staged.fill(std::nanf(""));
    const Cause cause = engine.forest_stage().score_one(row.row(0), staged, Deadline::none());
    if (cause != Cause::none || !std::isfinite(staged.back()))
      throw Error("deployment.warm_up", "the new bundle's forest gives no finite margin for an empty row");
  }
}

}  // namespace

/// An engine in service.
struct Deployment::Version {
  explicit Version(Engine e) : engine(std::make_shared<const Engine>(std::move(e))) {}

  bool wants_shadow() {
    return is_watched.load(std::memory_order_acquire) &&
           n_seen.fetch_add(1, std::memory_order_relaxed) % shadow_every == 0;
  }

  std::shared_ptr<const Engine> engine;
  std::uint32_t shadow_every = 1;
  std::shared_ptr<Guard> guard;    // watches the switch to this version
  std::unique_ptr<Shadow> shadow;  // the predecessor, which decides copies
  std::atomic<bool> is_watched = false;
  std::atomic<std::uint64_t> n_seen = 0;
};

struct Deployment::State {
  DeploymentOptions options;
  std::vector<Change> history;
  std::string history_text;              // the content of the file
  std::shared_ptr<Version> predecessor;  // ready to serve again
  std::shared_ptr<Version> watched;      // null if no guard's window is open
  Clock::time_point watch_ends;
  bool is_over = false;
  mutable std::mutex mutex;  // one change at a time
  std::condition_variable changed;
  std::thread watcher;

  std::shared_ptr<Version> make(std::shared_ptr<const Bundle> bundle) const {
    auto version =
        std::make_shared<Version>(options.make_engine ? options.make_engine(std::move(bundle), options.engine)
                                                      : Engine(std::move(bundle), options.engine));
    warm_up(*version->engine);
    return version;
  }

  const Change& remember(ChangeKind kind, const Version& version, std::string who, std::string why) {
    const Bundle& bundle = version.engine->bundle();
    return history.emplace_back(
        Change{kind, bundle.digest, bundle.policy.version, system_us(), std::move(who), std::move(why)});
  }

  /// Called when only the switch is left, which cannot fail: a change that cannot be written is not made, and one that
  /// fails is not written.
  void write(ChangeKind kind, const Version& version, const std::string& who, const std::string& why) {
    std::string text = history_text;
    append_json(text, remember(kind, version, who, why));
    if (options.history.empty()) return;
    try {
      write_file(options.history, text);
    } catch (...) {
      history.pop_back();
      throw;
    }
    history_text = std::move(text);
  }

  /// Makes the guard of a version that is not in service yet, and the shadow with its thread.
  void prepare_watch(Version& version, const Version& current) const {
    if (options.guard.window_ms <= 0) return;
    version.shadow_every = std::max(1u, options.guard.shadow_every);
    version.guard = std::make_shared<Guard>(options.guard);
    version.shadow = std::make_unique<Shadow>(current.engine, kShadowQueue,
                                              [guard = version.guard](const ShadowPair& pair) { guard->add(pair); });
  }

  void watch(const std::shared_ptr<Version>& version) noexcept {
    end_watch();
    if (!version->guard) return;
    watched = version;
    watch_ends = Clock::now() + std::chrono::milliseconds(options.guard.window_ms);
    version->is_watched.store(true, std::memory_order_release);
    changed.notify_all();
  }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      is_over = true;
    }
    changed.notify_all();
    watcher.join();
  }

  void end_watch() noexcept {
    if (watched) watched->is_watched.store(false, std::memory_order_release);
    watched.reset();
  }
};

Deployment::Deployment(std::shared_ptr<const Bundle> bundle, const std::string& who, const std::string& why,
                       DeploymentOptions options)
    : ledger_(options.engine.ledger ? options.engine.ledger : std::make_shared<Ledger>()),
      slot_(nullptr),
      state_(std::make_unique<State>()) {
  options.engine.ledger = ledger_;
  state_->options = std::move(options);
  const auto& history = state_->options.history;
  if (!history.empty() && std::filesystem::exists(history)) state_->history_text = read_file(history);
  auto version = state_->make(std::move(bundle));
  state_->watcher = start_thread("the deployment's watcher", [this] { watch(); });
  try {
    state_->write(ChangeKind::started, *version, who, why);
  } catch (...) {
    state_->stop();
    throw;
  }
  slot_.exchange(std::move(version));
}

Deployment::~Deployment() { state_->stop(); }

void Deployment::watch() {
  std::unique_lock lock(state_->mutex);
  while (!state_->is_over) {
    if (!state_->watched) {
      state_->changed.wait(lock);
      continue;
    }
    const std::string verdict = state_->watched->guard->verdict();
    if (!verdict.empty()) {
      switch_back("guard", verdict);
    } else if (Clock::now() >= state_->watch_ends) {
      state_->end_watch();
    } else {
      state_->changed.wait_for(lock, kLook);
    }
  }
}

void Deployment::promote(std::shared_ptr<const Bundle> bundle, const std::string& who, const std::string& why) {
  const std::lock_guard lock(state_->mutex);
  const auto now = slot_.share();
  check_columns(now->engine->bundle(), *bundle);
  auto next = state_->make(std::move(bundle));
  state_->prepare_watch(*next, *now);
  state_->write(ChangeKind::promoted, *next, who, why);
  state_->predecessor = now;
  state_->watch(next);
  slot_.exchange(std::move(next));
}

void Deployment::roll_back(const std::string& who, const std::string& why) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->predecessor) throw Error("deployment.no_predecessor", "there is no version to roll back to");
  switch_back(who, why);
}

/// A bad version does not stay in service because the history cannot be written: the entry in memory has the error.
void Deployment::switch_back(const std::string& who, const std::string& why) {
  state_->end_watch();
  try {
    state_->write(ChangeKind::rolled_back, *state_->predecessor, who, why);
  } catch (const Error& error) {
    state_->remember(ChangeKind::rolled_back, *state_->predecessor, who,
                     why + "; not in the history file: " + error.message());
  }
  slot_.exchange(std::exchange(state_->predecessor, nullptr));
}

std::vector<Change> Deployment::history() const {
  const std::lock_guard lock(state_->mutex);
  return state_->history;
}

bool Deployment::is_watched() const {
  const std::lock_guard lock(state_->mutex);
  return state_->watched != nullptr;
}

Decision Deployment::Use::decide(const Request& request) const {
  Version& version = *hold_;
  if (!version.wants_shadow()) return version.engine->decide(request);
  const auto start = Clock::now();
  const Decision d = version.engine->decide(request);
  const float us = std::chrono::duration<float, std::micro>(Clock::now() - start).count();
  version.shadow->offer(request, d, us);
  return d;
}

const Bundle& Deployment::Use::bundle() const { return hold_->engine->bundle(); }
const Engine& Deployment::Use::engine() const { return *hold_->engine; }

const char* to_string(ChangeKind kind) {
  static constexpr const char* kNames[] = {"started", "promoted", "rolled_back"};
  return kNames[static_cast<std::size_t>(kind)];
}

void append_json(std::string& out, const Change& change) {
  JsonText json(out);
  json.open('{')
      .field("kind", to_string(change.kind))
      .field("bundle", "sha256:" + change.bundle.hex())
      .field("policy_version", change.policy_version)
      .field("time_us", change.time_us)
      .field("who", change.who)
      .field("why", change.why)
      .close('}');
  out += '\n';
}

}  // namespace sluice::cascade
