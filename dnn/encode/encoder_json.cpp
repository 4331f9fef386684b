#include <algorithm>
#include <cmath>

#include "sluice/base/diagnostic.h"
#include "sluice/base/error.h"
#include "sluice/base/json_fields.h"
#include "sluice/dnn/encoder.h"

namespace sluice::dnn {
namespace {

std::vector<float> floats(const std::vector<double>& values) { return {values.begin(), values.end()}; }

std::size_t column_of(const Json& entry, const Schema& schema, Kind kind, const std::string& source) {
  const std::size_t column = schema.index_of(entry.value("column", ""));
  if (schema[column].kind != kind)
    throw Error("network.encoder", source + ": the column \"" + schema[column].name + "\" is not a " + to_string(kind));
  return column;
}

Encoder::Number read_number(const Json& entry, const Schema& schema, const std::string& source) {
  Encoder::Number number;
  number.column = column_of(entry, schema, Kind::number, source);
  number.has_missing_flag = entry.at("missing_flag").get<bool>();
  number.values = floats(entry.at("values").get<std::vector<double>>());
  number.scores = floats(entry.at("scores").get<std::vector<double>>());
  const bool ascending = std::adjacent_find(number.values.begin(), number.values.end(),
                                            [](float a, float b) { return !(a < b); }) == number.values.end();
  const auto is_finite = [](float x) { return std::isfinite(x); };
  const bool finite = std::all_of(number.values.begin(), number.values.end(), is_finite) &&
                      std::all_of(number.scores.begin(), number.scores.end(), is_finite);
  const bool climbs = std::is_sorted(number.scores.begin(), number.scores.end());
  if (number.values.size() != number.scores.size() || !ascending || !climbs || !finite)
    throw Error("network.encoder",
                source + ": the knots of \"" + schema[number.column].name + "\" are not ascending pairs");
  return number;
}

Encoder::Category read_category(const Json& entry, const Schema& schema, const std::string& source) {
  Encoder::Category category;
  category.column = column_of(entry, schema, Kind::category, source);
  category.n_words = schema[category.column].vocabulary.size();
  return category;
}

}  // namespace

Encoder Encoder::from_json(std::string_view text, const Schema& schema, std::string_view source_view,
                           std::size_t n_margins) {
  const std::string source(source_view);
  const Json json = parse_json(text, source, "network.json");
  Encoder encoder;
  try {
    for (const auto& entry : json.at("numbers")) encoder.numbers_.push_back(read_number(entry, schema, source));
    for (const auto& entry : json.at("categories")) encoder.categories_.push_back(read_category(entry, schema, source));
    for (const auto& entry : json.at("forest")) {
      const Scale scale{entry.at("mean").get<float>(), entry.at("deviation").get<float>()};
      if (!std::isfinite(scale.mean) || !(scale.deviation > 0) || !std::isfinite(scale.deviation))
        throw Error("network.encoder", source + ": a mean must be finite, and a deviation positive");
      encoder.forest_.push_back(scale);
    }
    for (const auto& name : json.value("facts", Json::array())) {
      const auto signal = find_forest_signal(name.get<std::string>());
      if (!signal || std::ranges::find(encoder.signals_, *signal) != encoder.signals_.end())
        throw Error("network.encoder",
                    source + ": " + excerpt(name.dump()) + " is not a forest signal, or occurs twice");
      encoder.signals_.push_back(*signal);
    }
  } catch (const Json::exception& e) {
    throw Error("network.encoder", source + ": " + e.what());
  }
  if (encoder.forest_.size() != kTreePrefixes.size() * n_margins + encoder.signals_.size())
    throw Error("network.encoder", source + ": " + std::to_string(encoder.forest_.size()) + " scales of forest inputs",
                "expected " + std::to_string(kTreePrefixes.size()) + " prefixes of each of the " +
                    std::to_string(n_margins) + " outputs, and " + std::to_string(encoder.signals_.size()) +
                    " signals");
  encoder.count_dense();
  return encoder;
}

std::string Encoder::to_json(const Schema& schema) const {
  Json json = {{"numbers", Json::array()}, {"categories", Json::array()}, {"forest", Json::array()}};
  for (const Number& n : numbers_)
    json["numbers"].push_back({{"column", schema[n.column].name},
                               {"missing_flag", n.has_missing_flag},
                               {"values", n.values},
                               {"scores", n.scores}});
  for (const Category& c : categories_) json["categories"].push_back({{"column", schema[c.column].name}});
  for (const Scale& s : forest_) json["forest"].push_back({{"mean", s.mean}, {"deviation", s.deviation}});
  for (const ForestSignal signal : signals_) json["facts"].push_back(to_string(signal));
  return json.dump();
}

}  // namespace sluice::dnn
