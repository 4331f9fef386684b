#include "sluice/cascade/resilience/isolate.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/cascade/resilience/bulkhead.h"

namespace sluice::cascade {
namespace {

void check(const IsolationOptions& options) {
  if (options.n_threads < 1 || options.n_threads > 1024 || options.queue_limit < 1 || options.queue_limit > 65536 ||
      options.max_hung > 1024 || options.max_wait_us < 1 || options.max_wait_us > 3'600'000'000)
    throw Error("isolation.options",
                "an isolated stage needs 1 to 1024 threads, 1 to 65536 places in its queue, at most 1024 hung threads "
                "and a wait of 1 microsecond to 1 hour");
}

class IsolatedForest final : public ForestStage {
 public:
  IsolatedForest(std::shared_ptr<const ForestStage> stage, std::size_t n_columns, const IsolationOptions& options)
      : stage_(std::move(stage)),
        bulkhead_(
            options, [stage = stage_](Call& call) { work(*stage, call); }, Call{std::vector<double>(n_columns), {}}) {}

  void score(RowsView rows, std::span<PrefixMargins> out) const override { stage_->score(rows, out); }
  std::vector<std::string> warnings() const override { return stage_->warnings(); }

  Cause score_one(RowView row, PrefixMargins& out, Deadline deadline) const override {
    const CallEnd end = bulkhead_.run(
        deadline, [&](Call& call) { std::copy(row.begin(), row.end(), call.row.begin()); },
        [&](const Call& call) { out = call.staged; });
    switch (end) {
      case CallEnd::done:
        return Cause::none;
      case CallEnd::late:
        return Cause::forest_late;
      case CallEnd::shed:
        return Cause::forest_shed;
      case CallEnd::failed:
        break;
    }
    return Cause::forest_failed;
  }

 private:
  struct Call {
    std::vector<double> row;
    PrefixMargins staged;
  };
  static void work(const ForestStage& stage, Call& call) {
    call.staged.fill(kNoMargin);
    stage.score(RowsView(RowView(call.row)), {&call.staged, 1});
  }

  std::shared_ptr<const ForestStage> stage_;
  Bulkhead<Call> bulkhead_;
};

class IsolatedNetwork final : public NetworkStage {
 public:
  IsolatedNetwork(std::shared_ptr<const NetworkStage> stage, std::size_t n_columns, const IsolationOptions& options)
      : stage_(std::move(stage)),
        bulkhead_(
            options, [stage = stage_](Call& call) { work(*stage, call); },
            Call{std::vector<double>(n_columns), {}, {}, kNoMargin, {}}) {}

  NetworkAnswer score(RowsView rows, std::span<const PrefixMargins> forest, std::span<float> out,
                      Deadline deadline) const override {
    if (rows.n_rows != 1) return stage_->score(rows, forest, out, deadline);
    NetworkAnswer answer;
    const CallEnd end = bulkhead_.run(
        deadline,
        [&](Call& call) {
          const RowView row = rows.row(0);
          std::copy(row.begin(), row.end(), call.row.begin());
          call.staged = forest[0];
          call.deadline = deadline;
        },
        [&](const Call& call) {
          answer = call.answer;
          out[0] = call.margin;
        });
    switch (end) {
      case CallEnd::done:
        return answer;
      case CallEnd::late:
        return {Cause::network_late, {}};
      case CallEnd::shed:
        return {Cause::network_shed, {}};
      case CallEnd::failed:
        break;
    }
    return {Cause::network_failed, {}};
  }

 private:
  struct Call {
    std::vector<double> row;
    PrefixMargins staged;
    Deadline deadline;
    float margin;
    NetworkAnswer answer;
  };
  static void work(const NetworkStage& stage, Call& call) {
    call.margin = kNoMargin;
    call.answer = stage.score(RowsView(RowView(call.row)), {&call.staged, 1}, {&call.margin, 1}, call.deadline);
  }

  std::shared_ptr<const NetworkStage> stage_;
  Bulkhead<Call> bulkhead_;
};

class IsolatedProvider final : public FeatureProvider {
 public:
  IsolatedProvider(std::shared_ptr<const FeatureProvider> provider, const Schema& schema,
                   const IsolationOptions& options)
      : bulkhead_(
            options, [provider = std::move(provider)](Call& call) { work(*provider, call); },
            Call{std::vector<double>(schema.size()), std::vector<double>(schema.late_columns().size()), {}, {}}) {}

  Result fetch(RowView row, std::span<double> late, Deadline remaining) const override {
    Result result = Result::failed;
    const CallEnd end = bulkhead_.run(
        remaining,
        [&](Call& call) {
          std::copy(row.begin(), row.end(), call.row.begin());
          call.deadline = remaining;
        },
        [&](const Call& call) {
          result = call.result;
          std::copy(call.late.begin(), call.late.end(), late.begin());
        });
    return end == CallEnd::late || end == CallEnd::shed ? Result::late : result;
  }

 private:
  struct Call {
    std::vector<double> row, late;
    Deadline deadline;
    Result result;
  };
  static void work(const FeatureProvider& provider, Call& call) {
    std::fill(call.late.begin(), call.late.end(), std::nan(""));
    call.result = provider.fetch(RowView(call.row), call.late, call.deadline);
  }

  Bulkhead<Call> bulkhead_;
};

}  // namespace

std::unique_ptr<ForestStage> isolate(std::shared_ptr<const ForestStage> stage, const Schema& schema,
                                     const IsolationOptions& options) {
  check(options);
  return std::make_unique<IsolatedForest>(std::move(stage), schema.size(), options);
}

std::unique_ptr<NetworkStage> isolate(std::shared_ptr<const NetworkStage> stage, const Schema& schema,
                                      const IsolationOptions& options) {
  check(options);
  return std::make_unique<IsolatedNetwork>(std::move(stage), schema.size(), options);
}

std::unique_ptr<FeatureProvider> isolate(std::shared_ptr<const FeatureProvider> provider, const Schema& schema,
                                         const IsolationOptions& options) {
  check(options);
  return std::make_unique<IsolatedProvider>(std::move(provider), schema, options);
}

}  // namespace sluice::cascade
