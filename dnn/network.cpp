#include "sluice/dnn/network.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "sluice/base/error.h"
#include "sluice/base/json_fields.h"

namespace sluice::dnn {
namespace {

/// Tensors by name, with their shape checked on access.
class Shelf {
 public:
  Shelf(const Tensors& tensors, std::string source) : tensors_(tensors), source_(std::move(source)) {}

  bool has(const std::string& name) const { return tensors_.contains(name); }

  const std::vector<float>& take(const std::string& name, const std::vector<std::size_t>& shape) const {
    const auto it = tensors_.find(name);
    if (it == tensors_.end()) throw Error("network.missing_tensor", source_ + ": missing tensor " + name);
    if (it->second.shape != shape)
      throw Error("network.tensor_shape",
                  source_ + ": the tensor " + name + " does not have the shape that the network requires");
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

std::vector<Pieces> take_pieces(const Shelf& shelf, const std::string& name, const MemberShape& shape,
                                const std::string& source) {
  const std::size_t n_bins = std::accumulate(shape.n_bins.begin(), shape.n_bins.end(), std::size_t{0});
  const std::size_t dimension = shape.numeric_dimension;
  const float* edges = shelf.take(name + ".edges", {n_bins}).data();
  const float* at = shelf.take(name + ".at", {n_bins, dimension}).data();
  const float* slope = shelf.take(name + ".slope", {n_bins, dimension}).data();
  std::vector<Pieces> out;
  for (const std::size_t n : shape.n_bins) {
    Pieces& pieces = out.emplace_back();
    pieces.edges.assign(edges, edges + n);
    pieces.at.assign(at, at + n * dimension);
    pieces.slope.assign(slope, slope + n * dimension);
    if (!std::is_sorted(pieces.edges.begin(), pieces.edges.end()))
      throw Error("network.edges", source + ": the edges in tensor " + name + ".edges are not ascending");
    edges += n, at += n * dimension, slope += n * dimension;
  }
  return out;
}

void check_shape(const MemberShape& shape, const Encoder& encoder, const std::string& source) {
  const auto check = [&](bool is_good, const char* code, const std::string& what, const std::string& hint) {
    if (!is_good) throw Error(code, source + ": " + what, hint);
  };
  const auto fits = [](std::size_t n, std::size_t most) { return n >= 1 && n <= most; };
  for (const std::size_t width : shape.hidden)
    check(fits(width, kMaxWidth), "network.width", "a layer is " + std::to_string(width) + " wide",
          "use widths from 1 to " + std::to_string(kMaxWidth));
  check(fits(shape.n_paths, kMaxPaths), "network.paths", "a member has " + std::to_string(shape.n_paths) + " paths",
        "use 1 to " + std::to_string(kMaxPaths));
  const std::size_t n_numeric = shape.numeric_dimension > 0 ? encoder.n_dense() : 0;
  check(
      shape.n_bins.size() == n_numeric && std::find(shape.n_bins.begin(), shape.n_bins.end(), 0) == shape.n_bins.end(),
      "network.bins", "a member has bins for " + std::to_string(shape.n_bins.size()) + " dense inputs",
      "the encoder has " + std::to_string(encoder.n_dense()) + "; each embedded input needs at least one bin");
  check(shape.dimensions.size() == encoder.categories().size() &&
            std::all_of(shape.dimensions.begin(), shape.dimensions.end(), [&](auto d) { return fits(d, kMaxWidth); }),
        "network.dimensions", "a member embeds " + std::to_string(shape.dimensions.size()) + " categories",
        "the encoder has " + std::to_string(encoder.categories().size()));
  std::size_t n_bins = 0;
  for (const std::size_t n : shape.n_bins) n_bins += n;
  check(shape.numeric_dimension <= kMaxWidth && n_bins <= kMaxInputs * 64, "network.bins",
        "the embeddings of numbers are too large", "");
}

Member take_member(const Shelf& shelf, const std::string& name, const Encoder& encoder, const MemberShape& shape,
                   const std::string& source) {
  check_shape(shape, encoder, source);
  Member member{.shape = shape};
  if (shape.numeric_dimension > 0) member.numeric = take_pieces(shelf, name + ".numeric", shape, source);
  member.n_inputs = encoder.n_dense() * std::max<std::size_t>(1, shape.numeric_dimension);
  for (std::size_t c = 0; c < shape.dimensions.size(); ++c) {
    const std::size_t n_words = encoder.categories()[c].n_words;
    member.embeddings.push_back(
        shelf.take(name + ".embedding." + std::to_string(c), {n_words + 2, shape.dimensions[c]}));
    member.n_inputs += shape.dimensions[c];
  }
  if (member.n_inputs > kMaxInputs)
    throw Error("network.width", source + ": a trunk reads " + std::to_string(member.n_inputs) + " inputs",
                "the limit is " + std::to_string(kMaxInputs));
  if (shape.n_paths > 1) member.scale = shelf.take(name + ".scale", {shape.n_paths, member.n_inputs});
  std::size_t n_in = member.n_inputs;
  for (std::size_t l = 0; l < shape.hidden.size(); ++l) {
    member.layers.push_back(take_linear(shelf, name + ".layer." + std::to_string(l), n_in, shape.hidden[l]));
    n_in = shape.hidden[l];
  }
  std::vector<std::size_t> heads = {shape.n_paths};
  if (encoder.n_margins() > 1) heads.push_back(encoder.n_margins());
  member.head_bias = shelf.take(name + ".head.bias", heads);
  member.a = shelf.take(name + ".a", heads);
  member.b = shelf.take(name + ".b", heads);
  heads.push_back(n_in);
  member.head_weight = shelf.take(name + ".head.weight", heads);
  return member;
}

/// The whole numbers of a list; other values read as 0, which no shape allows.
std::vector<std::size_t> sizes(JsonFields& fields, const char* key) {
  std::vector<std::size_t> out;
  for (const double x : fields.numbers(key))
    out.push_back(x >= 1 && x <= 1e6 && x == std::floor(x) ? static_cast<std::size_t>(x) : 0);
  return out;
}

MemberShape read_shape(const Json& json, const std::string& pointer, const std::string& source,
                       std::vector<Diagnostic>& diagnostics) {
  JsonFields fields(json, pointer, source, "network", diagnostics);
  for (const char* key : {"hidden", "paths", "numeric_dimension", "bins", "dimensions"}) fields.require(key);
  MemberShape shape;
  shape.hidden = sizes(fields, "hidden");
  shape.n_paths = static_cast<std::size_t>(fields.integer("paths", 1, 1, kMaxPaths));
  shape.numeric_dimension = static_cast<std::size_t>(fields.integer("numeric_dimension", 0, 0, kMaxWidth));
  shape.n_bins = sizes(fields, "bins");
  shape.dimensions = sizes(fields, "dimensions");
  fields.finish();
  return shape;
}

}  // namespace

Network::Network(Encoder encoder, const std::vector<MemberShape>& shapes, const Tensors& tensors,
                 std::string_view source_view)
    : encoder_(std::move(encoder)) {
  const std::string source(source_view);
  if (shapes.empty()) throw Error("network.members", source + ": the network has no members");
  if (n_outputs() < 1 || n_outputs() > kMaxOutputs)
    throw Error("network.outputs", source + ": the network has " + std::to_string(n_outputs()) + " outputs",
                "use 1 to " + std::to_string(kMaxOutputs));
  const Shelf shelf(tensors, source);
  for (std::size_t k = 0; k < shapes.size(); ++k)
    members_.push_back(take_member(shelf, "member." + std::to_string(k), encoder_, shapes[k], source));
}

Network Network::load(std::string_view text, std::string_view safetensors, const Schema& schema,
                      std::string_view source_view) {
  const std::string source(source_view);
  const Json json = parse_json(text, source, "network.json");
  std::vector<Diagnostic> diagnostics;
  JsonFields fields(json, "", source, "network", diagnostics);
  fields.word("kind", "residual", {"residual"});
  fields.integer("format", 2, 2, 2);
  for (const char* key : {"kind", "format", "members", "encoder"}) fields.require(key);
  const auto n_outputs = static_cast<std::size_t>(fields.integer("outputs", 1, 1, kMaxOutputs));
  const Json *members = fields.child("members"), *encoder = fields.child("encoder");
  fields.finish();
  throw_if_errors(diagnostics);
  std::vector<MemberShape> shapes;
  for (std::size_t k = 0; members->is_array() && k < members->size(); ++k)
    shapes.push_back(read_shape((*members)[k], "/members/" + std::to_string(k), source, diagnostics));
  throw_if_errors(diagnostics);
  return Network(Encoder::from_json(encoder->dump(), schema, source, n_outputs), shapes,
                 read_safetensors(safetensors, source + " (weights)"), source);
}

std::string Network::to_json(const Schema& schema) const {
  Json members = Json::array();
  for (const Member& member : members_)
    members.push_back({{"hidden", member.shape.hidden},
                       {"paths", member.shape.n_paths},
                       {"numeric_dimension", member.shape.numeric_dimension},
                       {"bins", member.shape.n_bins},
                       {"dimensions", member.shape.dimensions}});
  Json json = {
      {"kind", "residual"}, {"format", 2}, {"members", members}, {"encoder", Json::parse(encoder_.to_json(schema))}};
  if (n_outputs() > 1) json["outputs"] = n_outputs();
  return json.dump(1) + "\n";
}

}  // namespace sluice::dnn
