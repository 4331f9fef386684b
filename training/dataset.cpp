#include "sluice/training/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "sluice/base/digest.h"
#include "sluice/base/error.h"
#include "sluice/base/metrics.h"
#include "sluice/base/random.h"
#include "sluice/io/record_reader.h"
#include "sluice/io/rows.h"

namespace sluice::training {
namespace {

constexpr std::size_t kMinOfAClass = 20;
constexpr double kLeakAuc = 0.98;

template <class T>
std::string_view bytes_of(const T* data, std::size_t n) {
  return {reinterpret_cast<const char*>(data), n * sizeof(T)};
}

void check_classes(const Dataset& data, const std::string& path, const std::string& label) {
  const auto n_positive = static_cast<std::size_t>(std::count(data.labels.begin(), data.labels.end(), 1.0f));
  const std::size_t n_negative = data.labels.size() - n_positive;
  if (data.labels.empty()) throw Error("data.no_rows", path + ": the file has a header but no rows");
  if (n_positive == 0 || n_negative == 0)
    throw Error("data.one_class",
                path + ": the label \"" + label + "\" is " + (n_positive == 0 ? "0" : "1") + " in every row",
                "name the text that counts as 1 with --positive");
  if (std::min(n_positive, n_negative) < kMinOfAClass)
    throw Error("data.too_few", path + ": only " + std::to_string(std::min(n_positive, n_negative)) +
                                    " rows of one class; training needs at least " + std::to_string(kMinOfAClass));
}

/// The bad rate of each row's category, so that categories can be ranked; the column's values otherwise.
std::vector<double> ranking_of(const Dataset& data, std::size_t column, const Column& c) {
  std::vector<double> values(data.labels.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = data.rows.row(i)[column];
  if (c.kind == Kind::category) {
    std::vector<double> bad(c.vocabulary.size() + 2), all(c.vocabulary.size() + 2);
    const auto slot = [&](double v) { return std::isnan(v) ? bad.size() - 1 : static_cast<std::size_t>(v); };
    for (std::size_t i = 0; i < values.size(); ++i) bad[slot(values[i])] += data.labels[i], all[slot(values[i])] += 1;
    for (double& v : values) v = bad[slot(v)] / all[slot(v)];
  }
  for (double& v : values)
    if (std::isnan(v)) v = -1e308;
  return values;
}

}  // namespace

Dataset load_dataset(const std::string& path, const Schema& schema, const std::string& label,
                     const std::string& positive, const Progress& progress) {
  io::RowReaderOptions options;
  options.label_column = label;
  options.positive = positive;
  options.late_may_be_absent = false;
  io::RowReader reader(io::open_records(path, progress), schema, options);
  Dataset data;
  data.rows = Table(schema.size());
  Hasher hasher;
  io::RowBlock block;
  while (reader.next(block)) {
    for (std::size_t i = 0; i < block.rows.n_rows(); ++i) data.rows.append(block.rows.row(i));
    data.labels.insert(data.labels.end(), block.labels.begin(), block.labels.end());
    hasher.update(bytes_of(block.rows.view().data, block.rows.n_rows() * schema.size()));
    hasher.update(bytes_of(block.labels.data(), block.labels.size()));
    report(progress, "reading rows", reader.bytes_read(), reader.bytes_total());
  }
  data.digest = hasher.finish().hex();
  data.warnings = reader.warnings();
  check_classes(data, path, label);
  return data;
}

Split split_rows(const Dataset& data, const Schema& schema, std::uint64_t seed, const std::string& time_column) {
  const std::size_t n = data.labels.size();
  Split split;
  if (time_column.empty()) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t bucket = mix64(mix64(seed) ^ i) % 10;
      (bucket < 6 ? split.train : bucket < 8 ? split.valid : split.test).push_back(i);
    }
    return split;
  }
  const std::size_t column = schema.index_of(time_column);
  const auto time = [&](std::size_t i) {
    const double t = data.rows.row(i)[column];
    return std::isnan(t) ? -1e308 : t;
  };
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return time(a) < time(b); });
  split.train.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n * 6 / 10));
  split.valid.assign(order.begin() + static_cast<std::ptrdiff_t>(n * 6 / 10),
                     order.begin() + static_cast<std::ptrdiff_t>(n * 8 / 10));
  split.test.assign(order.begin() + static_cast<std::ptrdiff_t>(n * 8 / 10), order.end());
  for (auto* part : {&split.train, &split.valid, &split.test}) std::sort(part->begin(), part->end());
  return split;
}

Split split_by_column(const std::string& path, const std::string& column, const Progress& progress) {
  const auto records = io::open_records(path, progress);
  const auto& header = records->header();
  const auto at = static_cast<std::size_t>(std::find(header.begin(), header.end(), column) - header.begin());
  if (at == header.size())
    throw Error("data.split", path + ": there is no column \"" + column + "\"",
                "name the column that contains the split");
  Split split;
  std::vector<std::string_view> fields;
  for (std::size_t row = 0; records->next(fields); ++row) {
    if (fields[at] == "train")
      split.train.push_back(row);
    else if (fields[at] == "valid")
      split.valid.push_back(row);
    else if (fields[at] == "test")
      split.test.push_back(row);
    else
      throw Error("data.split",
                  records->where() + ": \"" + std::string(fields[at]) + "\" in the split's column \"" + column + "\"",
                  "write train, valid or test");
  }
  return split;
}

Table take_rows(const Table& rows, const std::vector<std::size_t>& which) {
  Table taken(rows.n_columns());
  taken.reserve(which.size());
  for (const std::size_t i : which) taken.append(rows.row(i));
  return taken;
}

std::vector<float> take_labels(const std::vector<float>& labels, const std::vector<std::size_t>& which) {
  std::vector<float> taken;
  taken.reserve(which.size());
  for (const std::size_t i : which) taken.push_back(labels[i]);
  return taken;
}

std::vector<std::string> find_leaks(const Dataset& data, const Schema& schema) {
  std::vector<std::string> leaks;
  for (const std::size_t column : schema.network_columns()) {
    const double area = sluice::auc(ranking_of(data, column, schema[column]), data.labels);
    const double strength = std::max(area, 1 - area);
    if (!(strength >= kLeakAuc)) continue;
    char text[32];
    std::snprintf(text, sizeof text, "%.4f", strength);
    leaks.push_back("column \"" + schema[column].name + "\" alone ranks the label with AUC " + text +
                    ": if it is known only after the outcome, leave it out with --drop");
  }
  return leaks;
}

}  // namespace sluice::training
