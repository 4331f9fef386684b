#include "sluice/cli/verbs/forest_run.h"
#include "sluice/cli/common_options.h"

#include <algorithm>
#include <optional>

#include "sluice/base/error.h"
#include "sluice/gbdt/features.h"

namespace sluice::cli {
namespace {

std::vector<std::string> names_of(const gbdt::Forest& forest, const std::string& data) {
  if (!forest.feature_names.empty()) return forest.feature_names;
  std::vector<std::string> names = open_table(data)->header();
  if (names.size() < forest.n_features)
    throw Error("forest.features", data + ": " + std::to_string(names.size()) + " columns, the model reads " +
                                       std::to_string(forest.n_features));
  names.resize(forest.n_features);
  return names;
}

void check_types(const gbdt::Forest& forest, const Schema& schema) {
  if (forest.feature_names.empty()) return;
  std::vector<std::string> names, types;
  for (const Column& column : schema.columns()) {
    names.push_back(column.name);
    types.push_back(column.kind == Kind::category ? "c" : "q");
  }
  gbdt::check_features(forest, names, types);
}

}  // namespace

Schema schema_of(const gbdt::Forest& forest, const std::string& data, const std::string& schema_path) {
  std::optional<Schema> given;
  if (!schema_path.empty()) given = Schema::from_json(read_file(schema_path), schema_path);
  std::vector<Column> columns;
  for (const auto& name : names_of(forest, data)) {
    Column column{.name = name};
    if (given) column = (*given)[given->index_of(name)];
    if (const std::size_t f = columns.size(); f < forest.category_names.size() && !forest.category_names[f].empty()) {
      column.kind = Kind::category;
      column.vocabulary = forest.category_names[f];  // a text's index is its code in the model
    }
    columns.push_back(std::move(column));
  }
  Schema schema(std::move(columns));
  if (given) check_types(forest, schema);
  return schema;
}

FloatTable read_all_rows(const Schema& schema, const std::string& data, ThreadPool& pool) {
  io::RowReaderOptions options;
  options.pool = &pool;
  io::RowReader reader(open_table(data), schema, options);
  FloatTable rows(schema.size());
  for (io::RowBlock block; reader.next(block);)
    for (std::size_t i = 0; i < block.rows.n_rows(); ++i)
      std::copy(block.rows.row(i).begin(), block.rows.row(i).end(), rows.append().begin());
  return rows;
}

}  // namespace sluice::cli
