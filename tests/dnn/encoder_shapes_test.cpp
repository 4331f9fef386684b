/// Encoders by shape: no, one and many training values, knots up to their limit, words, rows and columns.

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
constexpr std::size_t kMaxKnots = 48;

dnn::Encoder fitted(const Schema& schema, const Table& rows) {
  std::vector<dnn::PrefixMargins> staged(rows.n_rows());
  for (std::size_t i = 0; i < staged.size(); ++i) staged[i].fill(static_cast<float>(i % 3));
  return dnn::Encoder::fit(schema, rows.view(), staged);
}

std::vector<float> encode(const dnn::Encoder& encoder, const std::vector<double>& row) {
  std::vector<float> out(encoder.n_encoded());
  encoder.encode(row, dnn::PrefixMargins{0, 1, 2, 3}, out);
  return out;
}

/// Interpolates between the two knots around x, found one by one.
double plain_score(const dnn::Encoder::Number& number, double x) {
  if (number.values.empty() || std::isnan(x)) return 0;
  std::size_t right = 0;
  while (right < number.values.size() && static_cast<double>(number.values[right]) <= x) ++right;
  if (right == 0) return number.scores.front();
  if (right == number.values.size()) return number.scores.back();
  const double low = number.values[right - 1], high = number.values[right];
  const double from = number.scores[right - 1], to = number.scores[right];
  return from + (x - low) / (high - low) * (to - from);
}

void check_number(const dnn::Encoder& encoder, std::size_t knots) {
  const dnn::Encoder::Number& number = encoder.numbers()[0];
  REQUIRE(number.values.size() == knots);
  REQUIRE(number.scores.size() == knots);
  std::vector<double> cells = {kNan, -kInf, kInf, -1e300, 1e300, 0, -0.0};
  for (const float value : number.values)
    for (const float x : {value, std::nextafter(value, -1e30f), std::nextafter(value, 1e30f), value + 0.25f})
      cells.push_back(static_cast<double>(x));
  for (const double x : cells) {
    const std::vector<float> encoded = encode(encoder, {x});
    CAPTURE(knots, x);
    REQUIRE(static_cast<double>(encoded[0]) == Approx(plain_score(number, static_cast<float>(x))).margin(1e-6));
    if (number.has_missing_flag) REQUIRE(encoded[1] == (std::isnan(x) ? 1.0f : 0.0f));
  }
}

}  // namespace

TEST_CASE("a column has a knot for each distinct training value, up to the limit, and none for a single value") {
  const Schema schema({{.name = "x"}});
  for (const std::size_t n_distinct : {0, 1, 2, 3, 47, 48})
    for (const std::size_t n_missing : {0, 1, 50})
      for (const std::size_t n_each : {1, 40}) {
        Table rows(1);
        for (std::size_t i = 0; i < n_distinct * n_each; ++i)
          rows.append(std::vector<double>{static_cast<double>(i / n_each) - 20});
        for (std::size_t i = 0; i < n_missing; ++i) rows.append(std::vector<double>{kNan});
        const dnn::Encoder encoder = fitted(schema, rows);
        CAPTURE(n_distinct, n_missing, n_each);
        CHECK(encoder.numbers()[0].has_missing_flag == (n_missing > 0));
        check_number(encoder, n_distinct < 2 ? 0 : n_distinct);
      }
  for (const std::size_t n_distinct : {49, 50, 1000}) {
    Table rows(1);
    for (std::size_t i = 0; i < n_distinct; ++i) rows.append(std::vector<double>{static_cast<double>(i * i)});
    check_number(fitted(schema, rows), kMaxKnots);
  }
}

TEST_CASE("any number of knots reads from JSON, and only ascending pairs are accepted") {
  const Schema schema({{.name = "x"}});
  const std::string forest =
      R"("forest":[{"mean":0,"deviation":1},{"mean":0,"deviation":1},{"mean":0,"deviation":1},{"mean":0,"deviation":1}])";
  const auto read = [&](const std::string& values, const std::string& scores) {
    return dnn::Encoder::from_json(R"({"categories":[],)" + forest +
                                       R"(,"numbers":[{"column":"x","missing_flag":true,"values":[)" + values +
                                       R"(],"scores":[)" + scores + "]}]}",
                                   schema, "network.json");
  };
  const auto numbered = [](std::size_t n, double step) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i) text += (i > 0 ? "," : "") + std::to_string(step * static_cast<double>(i));
    return text;
  };
  for (const std::size_t n : {0, 1, 2, 15, 16, 17, 47, 48, 49, 100})
    check_number(read(numbered(n, 1.5), numbered(n, 0.1)), n);
  const auto code = [&](const std::string& values, const std::string& scores) {
    return code_of([&] { read(values, scores); });
  };
  CHECK(code("1,2,3", "0,0,0") == "");
  for (const auto& [values, scores] : std::vector<std::pair<std::string, std::string>>{
           {"1,1", "0,1"}, {"2,1", "0,1"}, {"1,2", "1,0"}, {"1,2,3", "0,2,1"}, {"1", ""}, {"", "1"}})
    CHECK(code(values, scores) == "network.encoder");
}

TEST_CASE("codes of vocabularies of no, one and many words are words, unseen or missing, and index a table's rows") {
  for (const std::size_t n_words : {0, 1, 2, 31, 32, 33, 1000}) {
    Column column{.name = "c", .kind = Kind::category};
    for (std::size_t w = 0; w < n_words; ++w) column.vocabulary.push_back(std::to_string(w));
    const Schema schema(std::vector<Column>{column});
    const dnn::Encoder encoder = fitted(schema, Table(1, 3));
    REQUIRE(encoder.n_dense() == 4);
    const auto n = static_cast<double>(n_words);
    const auto code = [&](double cell) { return static_cast<double>(encode(encoder, {cell})[4]); };
    CAPTURE(n_words);
    CHECK(code(kNan) == n + 1);
    for (const double cell : {n, n + 0.5, n + 1, 1e300, kInf, -1.0, -1e-300, -kInf}) CHECK(code(cell) == n);
    for (std::size_t w = 0; w < n_words; ++w) REQUIRE(code(static_cast<double>(w)) == static_cast<double>(w));
    if (n_words > 0) CHECK(code(std::nextafter(n, 0.0)) <= n + 1);
  }
}

TEST_CASE("an encoder of no rows, and of columns that no network reads, gives only the forest's inputs") {
  const Schema schema({{.name = "id", .kind = Kind::id}, {.name = "t", .kind = Kind::time}});
  for (const std::size_t n_rows : {0, 1, 2}) {
    const dnn::Encoder encoder = dnn::Encoder::fit(schema, Table(2, n_rows).view(), FloatTable(4, n_rows).view());
    CHECK(encoder.n_dense() == 4);
    CHECK(encode(encoder, {7, 8}) == std::vector<float>{0, 1, 2, 3, 3});
  }
}

}  // namespace sluice::test
