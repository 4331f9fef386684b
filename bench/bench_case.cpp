#include "bench_case.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "sluice/base/file.h"
#include "sluice/base/random.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/train/booster.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kRows = 8192, kBackgroundRows = 10'000;

struct Data {
  FloatTable rows;
  std::vector<float> labels;
};

bool is_category(const Shape& shape, std::size_t column) { return shape.has_categories && column % 4 == 3; }

Data make_data(const Shape& shape, std::size_t n_rows, std::uint64_t seed) {
  Random random(seed);
  Data data{FloatTable(shape.n_features, n_rows), std::vector<float>(n_rows)};
  for (std::size_t i = 0; i < n_rows; ++i) {
    auto row = data.rows.row(i);
    for (std::size_t c = 0; c < row.size(); ++c)
      row[c] = static_cast<float>(is_category(shape, c) ? static_cast<double>(random.below(20)) : random.normal());
    double score = random.normal();
    for (std::size_t c = 0; c < std::min<std::size_t>(row.size(), 64); ++c)
      score += std::sin(row[c] * static_cast<float>(c % 3 + 1)) * row[(c + 1) % row.size()] * 0.3;
    data.labels[i] = shape.n_classes == 1 ? static_cast<float>(score > 0)
                                          : static_cast<float>(std::min<double>(
                                                std::floor(std::abs(score)), static_cast<double>(shape.n_classes - 1)));
    if (shape.has_missing)
      for (float& cell : row)
        if (random.uniform() < 0.03) cell = std::numeric_limits<float>::quiet_NaN();
  }
  return data;
}

void write_floats(const std::filesystem::path& path, const float* values, std::size_t n) {
  AtomicFile file(path);
  file.write({reinterpret_cast<const char*>(values), n * sizeof(float)});
  file.commit();
}

void write_table(const std::filesystem::path& path, const FloatTable& table) {
  write_floats(path, table.view().data, table.n_rows() * table.n_columns());
}

FloatTable read_table(const std::filesystem::path& path, std::size_t n_columns) {
  const std::string bytes = read_file(path);
  FloatTable table(n_columns, bytes.size() / sizeof(float) / n_columns);
  std::memcpy(table.row(0).data(), bytes.data(), bytes.size());
  return table;
}

std::string train_model(const Shape& shape, const Data& training) {
  gbdt::TrainOptions options;
  options.n_rounds = shape.n_trees / shape.n_classes;
  options.max_depth = static_cast<int>(shape.depth);
  options.tree_method = "hist";
  options.gamma = shape.gamma;
  options.n_threads = 2;
  if (shape.n_classes > 1) {
    options.objective = "multi:softprob";
    options.eval_metric = "mlogloss";
    options.n_classes = shape.n_classes;
  }
  std::vector<bool> categories;
  for (std::size_t c = 0; c < shape.n_features && shape.has_categories; ++c)
    categories.push_back(is_category(shape, c));
  return gbdt::train({training.rows.view(), training.labels, {}, categories, {}}, nullptr, options).json;
}

}  // namespace

Case make_case(const Shape& shape, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  const Data training = make_data(shape, shape.n_features > 200 ? 5'000 : shape.n_training_rows, 1);
  Case out{shape, train_model(shape, training), make_data(shape, kRows, 2).rows,
           make_data(shape, kBackgroundRows, 3).rows};
  nlohmann::json about = {{"n_rows", kRows},
                          {"n_features", shape.n_features},
                          {"n_trees", shape.n_trees},
                          {"depth", shape.depth},
                          {"n_classes", shape.n_classes},
                          {"has_missing", shape.has_missing},
                          {"categories", nlohmann::json::array()}};
  for (std::size_t c = 0; c < shape.n_features; ++c)
    if (is_category(shape, c)) about["categories"].push_back(c);
  const gbdt::Forest forest = gbdt::load_xgboost(out.model, "model.json");
  std::vector<float> margins(gbdt::output_size(forest, kRows));
  gbdt::predict(forest, out.rows.view(), margins, {.kernel = gbdt::Kernel::scalar});
  write_file(folder / "case.json", about.dump());
  write_file(folder / "model.json", out.model);
  write_table(folder / "rows.f32", out.rows);
  write_table(folder / "background.f32", out.background);
  write_table(folder / "train.f32", training.rows);
  write_floats(folder / "train_labels.f32", training.labels.data(), training.labels.size());
  write_floats(folder / "margins.f32", margins.data(), margins.size());
  return out;
}

Case read_case(const std::filesystem::path& folder) {
  const auto about = nlohmann::json::parse(read_file(folder / "case.json"));
  Shape shape;
  shape.n_trees = about["n_trees"];
  shape.depth = about["depth"];
  shape.n_features = about["n_features"];
  shape.n_classes = about["n_classes"];
  shape.has_missing = about["has_missing"];
  shape.has_categories = !about["categories"].empty();
  return {shape, read_file(folder / "model.json"), read_table(folder / "rows.f32", shape.n_features),
          read_table(folder / "background.f32", shape.n_features)};
}

}  // namespace sluice::bench
