#include "sluice/audit/replay_stages.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/gbdt/fold.h"
#include "sluice/gbdt/predict.h"

namespace sluice::audit {
namespace {

using cascade::Cause;
using cascade::Deadline;
using cascade::Engine;
using cascade::EngineOptions;
using cascade::StagedMargins;

class KernelStage final : public cascade::ForestStage {
 public:
  KernelStage(const cascade::Bundle& bundle, gbdt::Kernel kernel)
      : bag_(gbdt::fold(*bundle.forests, dnn::kStages)), schema_(bundle.schema), kernel_(gbdt::resolve(kernel)) {}

  void score(RowsView rows, std::span<StagedMargins> out) const override {
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
  gbdt::FoldedBag bag_;
  Schema schema_;
  gbdt::Kernel kernel_;
};

class FailingForest final : public cascade::ForestStage {
 public:
  void score(RowsView, std::span<StagedMargins>) const override {
    throw Error("forest.replayed", "the forest failed, as it did then");
  }
};

class FailingNetwork final : public cascade::NetworkStage {
 public:
  explicit FailingNetwork(Cause cause) : cause_(cause) {}
  cascade::NetworkAnswer score(RowsView, std::span<const StagedMargins>, std::span<float>, Deadline) const override {
    return {.cause = cause_, .device = {}};
  }

 private:
  Cause cause_;
};

/// Gives the late columns as they were given then, or not.
class RecordedProvider final : public cascade::FeatureProvider {
 public:
  RecordedProvider(Cause cause, const RecordInputs& inputs) : cause_(cause), inputs_(inputs) {}
  Result fetch(RowView, std::span<double> late, Deadline) const override {
    if (cause_ == Cause::late_features_missing) return Result::missing;
    if (cause_ == Cause::late_features_late) return Result::late;
    if (cause_ == Cause::late_features_failed || inputs_.late->size() != late.size()) return Result::failed;
    std::copy(inputs_.late->begin(), inputs_.late->end(), late.begin());
    return Result::ok;
  }
  bool is_needed() const {
    return inputs_.late || cause_ == Cause::late_features_missing || cause_ == Cause::late_features_late ||
           cause_ == Cause::late_features_failed;
  }

 private:
  Cause cause_;
  const RecordInputs& inputs_;
};

EngineOptions with_network(EngineOptions options, Cause cause) {
  options.network = std::make_shared<FailingNetwork>(cause);
  return options;
}

EngineOptions with_failing_forest(EngineOptions options) {
  options.forest = std::make_shared<FailingForest>();
  return options;
}

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
    case Cause::late_features_missing:
    case Cause::late_features_late:
    case Cause::late_features_failed:
    case Cause::forest_late:
    case Cause::forest_failed:
      return false;
    default:
      return !inputs.late;
  }
}

FaultEngines::FaultEngines(std::shared_ptr<const cascade::Bundle> bundle, const EngineOptions& options)
    : sound_(bundle, options),
      forest_failed_(bundle, with_failing_forest(options)),
      network_late_(bundle, with_network(options, Cause::network_late)),
      network_open_(bundle, with_network(options, Cause::network_open)),
      network_shed_(bundle, with_network(options, Cause::network_shed)),
      network_failed_(bundle, with_network(options, Cause::network_failed)) {}

cascade::Decision FaultEngines::decide(const RecordOutcome& outcome, const RecordInputs& inputs) const {
  const RecordedProvider provider(outcome.cause, inputs);
  // A budget that a policy gives is not measured again: what was late then is said by the record.
  Deadline deadline = Deadline::in(std::chrono::hours(1));
  const Engine* engine = &sound_;
  if (outcome.cause == Cause::forest_late) deadline = Deadline::in(std::chrono::microseconds(-1));
  if (outcome.cause == Cause::forest_failed) engine = &forest_failed_;
  if (outcome.cause == Cause::network_late) engine = &network_late_;
  if (outcome.cause == Cause::network_open) engine = &network_open_;
  if (outcome.cause == Cause::network_shed) engine = &network_shed_;
  if (outcome.cause == Cause::network_failed) engine = &network_failed_;
  return engine->decide(inputs.row, deadline, provider.is_needed() ? &provider : nullptr);
}

}  // namespace sluice::audit
