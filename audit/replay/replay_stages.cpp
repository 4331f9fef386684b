#include "sluice/audit/replay/replay_stages.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/bundle/forest_inputs.h"
#include "sluice/gbdt/merge.h"
#include "sluice/gbdt/predict.h"

namespace sluice::audit {
namespace {

using cascade::Cause;
using cascade::Deadline;
using cascade::Engine;
using cascade::EngineOptions;
using cascade::PrefixMargins;

class KernelStage final : public cascade::ForestStage {
 public:
  KernelStage(const cascade::Bundle& bundle, gbdt::Kernel kernel)
      : bag_(gbdt::merge(*bundle.forests, dnn::kTreePrefixes)),
        schema_(bundle.schema),
        kernel_(gbdt::resolve(kernel)) {}

  void score(RowsView rows, std::span<PrefixMargins> out) const override {
    const auto columns = schema_.forest_columns();
    FloatTable inputs(columns.size(), rows.n_rows);
    for (std::size_t i = 0; i < rows.n_rows; ++i) cascade::gather_columns(rows.row(i), columns, inputs.row(i));
    std::vector<float> margins(rows.n_rows);
    for (std::size_t stage = 0; stage < bag_.ends.size(); ++stage) {
      gbdt::predict(bag_.forest, inputs.view(), margins, {.kernel = kernel_, .trees = {0, bag_.ends[stage]}});
      for (std::size_t i = 0; i < rows.n_rows; ++i) out[i][stage] = margins[i];
    }
  }

 private:
  gbdt::MergedForest bag_;
  Schema schema_;
  gbdt::Kernel kernel_;
};

class FailingForest final : public cascade::ForestStage {
 public:
  explicit FailingForest(Cause cause) : cause_(cause) {}
  void score(RowsView, std::span<PrefixMargins>) const override {
    throw Error("forest.replayed", "the forest failed, as recorded");
  }
  Cause score_one(RowView, PrefixMargins&, Deadline) const override { return cause_; }

 private:
  Cause cause_;
};

class FailingNetwork final : public cascade::NetworkStage {
 public:
  explicit FailingNetwork(Cause cause) : cause_(cause) {}
  cascade::NetworkAnswer score(RowsView, std::span<const PrefixMargins>, std::span<float>, Deadline) const override {
    return {.cause = cause_, .device = {}};
  }

 private:
  Cause cause_;
};

/// Provides the late columns as recorded, or fails as recorded.
class RecordedProvider final : public cascade::FeatureProvider {
 public:
  RecordedProvider(Cause cause, const RecordInputs& inputs) : cause_(cause), inputs_(inputs) {}
  Result fetch(RowView, std::span<double> late, Deadline) const override {
    if (cause_ == Cause::late_features_missing) return Result::missing;
    if (cause_ == Cause::late_features_late) return Result::late;
    if (cause_ == Cause::late_features_failed) return Result::failed;
    if (!inputs_.late) return Result::ok;  // the network had failed before they were requested
    if (inputs_.late->size() != late.size()) return Result::failed;
    std::copy(inputs_.late->begin(), inputs_.late->end(), late.begin());
    return Result::ok;
  }
  bool is_needed() const {
    return inputs_.late || cause_ == Cause::late_features_missing || cause_ == Cause::late_features_late ||
           cause_ == Cause::late_features_failed || cause_ == Cause::network_late || cause_ == Cause::network_shed;
  }

 private:
  Cause cause_;
  const RecordInputs& inputs_;
};

EngineOptions with_network(EngineOptions options, Cause cause) {
  options.network = std::make_shared<FailingNetwork>(cause);
  return options;
}

EngineOptions with_forest(EngineOptions options, Cause cause) {
  options.forest = std::make_shared<FailingForest>(cause);
  return options;
}

/// Causes that a stage is made to return again. Of the others, those that depend only on the row arise by themselves.
constexpr Cause kForestCauses[] = {Cause::forest_late, Cause::forest_open, Cause::forest_shed, Cause::forest_failed,
                                   Cause::forest_not_finite};
constexpr Cause kNetworkCauses[] = {Cause::network_late, Cause::network_open, Cause::network_shed,
                                    Cause::network_failed, Cause::network_not_finite};

bool is_not_finite(Cause cause) { return cause == Cause::forest_not_finite || cause == Cause::network_not_finite; }

}  // namespace

std::unique_ptr<cascade::ForestStage> make_kernel_stage(const cascade::Bundle& bundle, gbdt::Kernel kernel) {
  return std::make_unique<KernelStage>(bundle, kernel);
}

bool is_plain(const RecordOutcome& outcome, const RecordInputs& inputs) {
  switch (outcome.cause) {
    case Cause::network_late:
    case Cause::network_open:
    case Cause::network_shed:
    case Cause::network_failed:
    case Cause::network_not_finite:
    case Cause::late_features_missing:
    case Cause::late_features_late:
    case Cause::late_features_failed:
    case Cause::forest_late:
    case Cause::forest_open:
    case Cause::forest_shed:
    case Cause::forest_failed:
    case Cause::forest_not_finite:
      return false;
    default:
      return !inputs.late;
  }
}

FaultEngines::FaultEngines(std::shared_ptr<const cascade::Bundle> bundle, const EngineOptions& options)
    : sound_(bundle, options) {
  for (const Cause cause : kForestCauses) faulty_.emplace(cause, Engine(bundle, with_forest(options, cause)));
  for (const Cause cause : kNetworkCauses) faulty_.emplace(cause, Engine(bundle, with_network(options, cause)));
}

cascade::Decision FaultEngines::decide(const RecordOutcome& outcome, const RecordInputs& inputs,
                                       std::int64_t now_us) const {
  const RecordedProvider provider(outcome.cause, inputs);
  // The policy's time budget is not measured again: the record contains what was late.
  const cascade::Request request{.row = inputs.row,
                                 .deadline = Deadline::in(std::chrono::hours(1)),
                                 .provider = provider.is_needed() ? &provider : nullptr,
                                 .now_us = now_us};
  const auto faulty = faulty_.find(outcome.cause);
  if (faulty == faulty_.end()) return sound_.decide(request);
  if (!is_not_finite(outcome.cause)) return faulty->second.decide(request);
  const cascade::Decision again = sound_.decide(request);  // usually the row itself causes it
  return again.cause == outcome.cause ? again : faulty->second.decide(request);
}

}  // namespace sluice::audit
