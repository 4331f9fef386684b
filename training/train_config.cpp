#include <algorithm>
#include <type_traits>

#include "sluice/base/json_fields.h"
#include "sluice/training/train.h"

namespace sluice::training {
namespace {

/// Reads the fields of one object into the members of an options struct, and checks their ranges.
class Reader {
 public:
  Reader(const Json& object, std::string pointer, std::string source, std::vector<Diagnostic>& diagnostics)
      : fields_(object, std::move(pointer), std::move(source), "train_config", diagnostics) {}

  template <class T>
  Reader& operator()(const char* key, T& value, double low, double high) {
    if constexpr (std::is_floating_point_v<T>)
      value = fields_.number(key, value, low, high);
    else
      value = static_cast<T>(fields_.integer(key, static_cast<std::int64_t>(value), static_cast<std::int64_t>(low),
                                             static_cast<std::int64_t>(high)));
    return *this;
  }
  Reader& operator()(const char* key, std::vector<std::size_t>& widths) {
    if (!fields_.has(key)) return *this;
    widths.clear();
    for (const double width : fields_.numbers(key)) {
      if (!(width >= 1 && width <= static_cast<double>(dnn::kMaxWidth) && width == std::floor(width)))
        fields_.add("range", key, "a width must be a whole number from 1 to " + std::to_string(dnn::kMaxWidth));
      else
        widths.push_back(static_cast<std::size_t>(width));
    }
    return *this;
  }
  JsonFields& fields() { return fields_; }

 private:
  JsonFields fields_;
};

void read_forest(Reader read, ForestOptions& o) {
  read("search", o.n_search, 1, 1000)("folds", o.n_folds, 2, 20)("bag", o.n_bag, 1, 100)(
      "max_rounds", o.max_rounds, 1, 100000)("early_stopping_rounds", o.early_stopping_rounds, 1, 10000);
  o.serve_folds = read.fields().word("serve", o.serve_folds ? "bag" : "refit", {"bag", "refit"}) == "bag";
  read.fields().finish();
}

dnn::MemberOptions read_member(Reader read) {
  read.fields().require("kind");
  auto m =
      dnn::MemberOptions::of(dnn::parse_network_kind(read.fields().word("kind", "tabm", {"tabm", "mlp", "embedding"})));
  read("hidden", m.hidden);
  read("count", m.count, 1, 64)("dropout", m.dropout, 0, 0.95)("unseen_share", m.unseen_share, 0, 0.5);
  m.residual = read.fields().boolean("residual", m.residual);
  if (m.kind == dnn::NetworkKind::tabm)
    read("paths", m.n_paths, 1, dnn::kMaxPaths)("kept", m.n_kept, 0, dnn::kMaxPaths)(
        "numeric_dimension", m.numeric_dimension, 0, 64)("bins", m.max_bins, 1, 256);
  if (m.kind == dnn::NetworkKind::embedding) read("tower", m.tower, 1, dnn::kMaxWidth);
  read.fields().finish();
  return m;
}

dnn::Schedule parse_schedule(const std::string& name) {
  return name == "constant"  ? dnn::Schedule::constant
         : name == "plateau" ? dnn::Schedule::plateau
                             : dnn::Schedule::cosine;
}

dnn::Precision parse_precision(const std::string& name) {
  return name == "bf16" ? dnn::Precision::bf16 : name == "fp16" ? dnn::Precision::fp16 : dnn::Precision::float32;
}

std::vector<dnn::ForestSignal> read_signals(JsonFields& fields) {
  std::vector<dnn::ForestSignal> signals;
  for (const std::string& name : fields.strings("augment")) {
    const auto signal = dnn::find_forest_signal(name);
    if (!signal)
      fields.add("value", "augment", "\"" + excerpt(name) + "\" is not a signal of a forest",
                 "use leaf_support or disagreement");
    else if (std::ranges::find(signals, *signal) == signals.end())
      signals.push_back(*signal);
  }
  return signals;
}

void read_network(Reader read, const std::string& source, TrainRequest& request, std::vector<Diagnostic>& diagnostics) {
  dnn::TrainerOptions& o = request.network_options;
  if (read.fields().has("augment")) request.signals = read_signals(read.fields());
  if (const Json* members = read.fields().child("members")) {
    if (!members->is_array() || members->empty()) read.fields().add("type", "members", "expected a list of members");
    o.members.clear();
    for (std::size_t k = 0; members->is_array() && k < members->size(); ++k)
      o.members.push_back(read_member({(*members)[k], "/network/members/" + std::to_string(k), source, diagnostics}));
  }
  read("learning_rate", o.learning_rate, 1e-8, 10)("weight_decay", o.weight_decay, 0, 10)(
      "clip_norm", o.clip_norm, 0, 1e6)("warm_up", o.warm_up, 0, 1000)("plateau", o.plateau, 1, 100000)(
      "batch_size", o.batch_size, 1, 1000000)("max_epochs", o.max_epochs, 0, 100000)("patience", o.patience, 1, 100000)(
      "positive_weight", o.positive_weight, 1e-6, 1e6)("outside_weight", o.outside_weight, 0, 1)(
      "block_rows", o.block_rows, 1, 1e9)("blocks", o.n_blocks, 1, 1e6);
  const char* names[] = {"constant", "cosine", "plateau"};
  o.schedule = parse_schedule(
      read.fields().word("schedule", names[static_cast<int>(o.schedule)], {"constant", "cosine", "plateau"}));
  const char* precisions[] = {"float32", "bf16", "fp16"};
  o.precision = parse_precision(
      read.fields().word("precision", precisions[static_cast<int>(o.precision)], {"float32", "bf16", "fp16"}));
  o.device = dnn::parse_device(
      read.fields().word("device", o.device.kind == dnn::Device::cuda ? "cuda" : "cpu", {"cpu", "cuda"}));
  read.fields().finish();
}

}  // namespace

void apply_config(std::string_view text, std::string_view source_view, TrainRequest& request) {
  const std::string source(source_view);
  const Json json = parse_json(text, source, "train_config.json");
  std::vector<Diagnostic> diagnostics;
  JsonFields fields(json, "", source, "train_config", diagnostics);
  if (const Json* child = fields.child("forest"))
    read_forest({*child, "/forest", source, diagnostics}, request.forest_options);
  if (const Json* child = fields.child("network"))
    read_network({*child, "/network", source, diagnostics}, source, request, diagnostics);
  if (const Json* child = fields.child("band")) {
    Reader band(*child, "/band", source, diagnostics);
    request.band.by_gain =
        band.fields().word("by", request.band.by_gain ? "gain" : "probability", {"gain", "probability"}) == "gain";
    band("max_forward", request.band.max_forward, 0, 1)("cells", request.band.n_cells, 2, 10000)(
        "min_z", request.band.min_z, -1e9, 1e9);
    band.fields().renamed("least_z", "min_z");
    band.fields().finish();
  }
  fields.finish();
  throw_if_errors(diagnostics);
}

}  // namespace sluice::training
