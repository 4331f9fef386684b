#include "sluice/dnn/network.h"

#include <algorithm>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/json_fields.h"

namespace sluice::dnn {
namespace {

/// Tensors by name, checked for their shape as they are taken.
class Shelf {
 public:
  Shelf(const Tensors& tensors, std::string source) : tensors_(tensors), source_(std::move(source)) {}

  bool has(const std::string& name) const { return tensors_.contains(name); }

  const std::vector<float>& take(const std::string& name, const std::vector<std::size_t>& shape) const {
    const auto it = tensors_.find(name);
    if (it == tensors_.end()) throw Error("network.missing_tensor", source_ + ": there is no tensor " + name);
    if (it->second.shape != shape)
      throw Error("network.tensor_shape", source_ + ": the tensor " + name + " has another shape than the network");
    return it->second.values;
  }

 private:
  const Tensors& tensors_;
  std::string source_;
};

Linear take_linear(const Shelf& shelf, const std::string& name, std::size_t n_in, std::size_t n_out) {
  Linear linear{.n_in = n_in, .n_out = n_out, .n_out_padded = (n_out + Linear::kPad - 1) / Linear::kPad * Linear::kPad};
  const auto& weight = shelf.take(name + ".weight", {n_out, n_in});
  linear.weight.resize(n_in * linear.n_out_padded);
  for (std::size_t o = 0; o < n_out; ++o)
    for (std::size_t i = 0; i < n_in; ++i) linear.weight[i * linear.n_out_padded + o] = weight[o * n_in + i];
  linear.bias = shelf.take(name + ".bias", {n_out});
  linear.bias.resize(linear.n_out_padded);
  return linear;
}

Member take_member(const Shelf& shelf, const std::string& name, const Encoder& encoder, std::size_t n_inputs,
                   const std::vector<std::size_t>& hidden) {
  Member member;
  member.a = shelf.take(name + ".a", {1})[0];
  member.b = shelf.take(name + ".b", {1})[0];
  for (std::size_t c = 0; c < encoder.categories().size(); ++c) {
    const auto& category = encoder.categories()[c];
    member.embeddings.push_back(
        shelf.take(name + ".embedding." + std::to_string(c), {category.n_words + 2, category.dimension}));
  }
  std::size_t n_in = n_inputs;
  for (std::size_t l = 0; l <= hidden.size(); ++l) {
    const std::size_t n_out = l < hidden.size() ? hidden[l] : 1;
    member.layers.push_back(take_linear(shelf, name + ".layer." + std::to_string(l), n_in, n_out));
    n_in = n_out;
  }
  return member;
}

}  // namespace

Network::Network(Encoder encoder, std::vector<std::size_t> hidden, const Tensors& tensors, std::string_view source)
    : encoder_(std::move(encoder)), hidden_(std::move(hidden)), n_inputs_(encoder_.n_dense()) {
  for (const auto& category : encoder_.categories()) n_inputs_ += category.dimension;
  const std::size_t widest =
      std::max(n_inputs_, hidden_.empty() ? 0 : *std::max_element(hidden_.begin(), hidden_.end()));
  const bool has_empty = std::find(hidden_.begin(), hidden_.end(), 0) != hidden_.end();
  if (widest > kMaxWidth || has_empty)
    throw Error("network.width", std::string(source) + ": a layer is " + std::to_string(widest) + " wide",
                "widths from 1 to " + std::to_string(kMaxWidth) + " are supported");
  const Shelf shelf(tensors, std::string(source));
  for (std::size_t k = 0; shelf.has("member." + std::to_string(k) + ".a"); ++k)
    members_.push_back(take_member(shelf, "member." + std::to_string(k), encoder_, n_inputs_, hidden_));
  if (members_.empty()) throw Error("network.missing_tensor", std::string(source) + ": there is no tensor member.0.a");
}

Network Network::load(std::string_view text, std::string_view safetensors, const Schema& schema,
                      std::string_view source_view) {
  const std::string source(source_view);
  const Json json = parse_json(text, source, "network.json");
  std::vector<Diagnostic> diagnostics;
  JsonFields fields(json, "", source, "network", diagnostics);
  fields.word("kind", "residual_mlp", {"residual_mlp"});
  fields.integer("format", 1, 1, 1);
  for (const char* key : {"kind", "format", "hidden", "encoder"}) fields.require(key);
  std::vector<std::size_t> hidden;
  for (const double width : fields.numbers("hidden"))
    hidden.push_back(width >= 1 && width <= kMaxWidth ? static_cast<std::size_t>(width) : 0);
  const Json* encoder = fields.child("encoder");
  fields.finish();
  throw_if_errors(diagnostics);
  return Network(Encoder::from_json(encoder->dump(), schema, source), std::move(hidden),
                 read_safetensors(safetensors, source + " (weights)"), source);
}

std::string Network::to_json(const Schema& schema) const {
  const Json json = {
      {"kind", "residual_mlp"}, {"format", 1}, {"hidden", hidden_}, {"encoder", Json::parse(encoder_.to_json(schema))}};
  return json.dump(1) + "\n";
}

}  // namespace sluice::dnn
