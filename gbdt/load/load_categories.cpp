#include "sluice/gbdt/load/load_categories.h"

#include "sluice/base/number.h"

namespace sluice::gbdt {
namespace {

/// Concatenated texts, as in Arrow: text k is the bytes [offsets[k], offsets[k + 1]).
std::vector<std::string> cut_texts(const ModelValue& column) {
  const std::vector<std::int64_t> offsets = column["offsets"].integers(), bytes = column["values"].integers();
  const auto n_bytes = static_cast<std::int64_t>(bytes.size());
  std::vector<std::string> texts;
  for (std::size_t k = 1; k < offsets.size(); ++k) {
    if (offsets[k - 1] < 0 || offsets[k] < offsets[k - 1] || offsets[k] > n_bytes)
      column.fail("offset " + std::to_string(k) + " is outside of the " + std::to_string(n_bytes) + " bytes");
    std::string text;
    for (std::int64_t i = offsets[k - 1]; i < offsets[k]; ++i)
      text += static_cast<char>(bytes[static_cast<std::size_t>(i)]);
    texts.push_back(std::move(text));
  }
  return texts;
}

std::vector<std::string> number_texts(const ModelValue& values) {
  std::vector<std::string> texts;
  if (values.are_integers())
    for (const std::int64_t value : values.integers()) texts.push_back(std::to_string(value));
  else
    for (const float value : values.floats()) texts.push_back(number_text(value));
  return texts;
}

}  // namespace

void load_categories(const ModelValue& cats, Forest& forest) {
  if (!cats.has("enc")) return;
  const std::vector<ModelValue> columns = cats["enc"].elements();
  if (columns.empty()) return;
  if (columns.size() != forest.n_features)
    cats.fail("categories of " + std::to_string(columns.size()) + " features, but the model has " +
              std::to_string(forest.n_features));
  for (const ModelValue& column : columns)
    forest.category_names.push_back(column.has("offsets") ? cut_texts(column) : number_texts(column["values"]));
}

}  // namespace sluice::gbdt
