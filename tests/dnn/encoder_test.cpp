#include <algorithm>
#include <cmath>
#include <limits>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "support/catch.h"

namespace sluice::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

Schema schema() {
  return Schema(std::vector<Column>{{.name = "amount"},
                                    {.name = "count"},
                                    {.name = "word", .kind = Kind::category, .vocabulary = {"a", "b", "c"}},
                                    {.name = "constant"},
                                    {.name = "absent"},
                                    {.name = "wide"},
                                    {.name = "who", .kind = Kind::id}});
}

constexpr std::size_t kRows = 500;

dnn::Encoder fitted() {
  Random random(5);
  Table rows(schema().size(), kRows);
  std::vector<dnn::PrefixMargins> staged(kRows);
  for (std::size_t i = 0; i < kRows; ++i) {
    const auto row = rows.row(i);
    row[0] = i % 10 == 0 ? kNan : i == 1 ? kInf : std::exp(random.normal());
    row[1] = static_cast<double>(random.below(4));
    row[2] = static_cast<double>(random.below(3));
    row[3] = 7;
    row[4] = kNan;
    row[5] = i % 2 ? 3e38 : -3e38;
    for (std::size_t s = 0; s < 4; ++s) staged[i][s] = static_cast<float>(random.normal() + static_cast<double>(s));
  }
  return dnn::Encoder::fit(schema(), rows.view(), staged);
}

std::vector<float> encode(const dnn::Encoder& encoder, std::vector<double> row,
                          dnn::PrefixMargins staged = {0, 1, 2, 3}) {
  std::vector<float> out(encoder.n_encoded());
  encoder.encode(row, staged, out);
  return out;
}

// Places in an encoded row: amount and its flag, count, constant, absent and its flag, wide, four forest margins, word,
// margin.
enum : std::size_t {
  kAmount,
  kAmountFlag,
  kCount,
  kConstant,
  kAbsent,
  kAbsentFlag,
  kWide,
  kForest,
  kWord = kForest + 4,
  kMargin
};

}  // namespace

TEST_CASE("knots ascend, and encodings ascend with the value") {
  const auto encoder = fitted();
  REQUIRE(encoder.n_encoded() == kMargin + 1);
  for (const auto& number : encoder.numbers()) {
    CHECK(number.values.size() == number.scores.size());
    for (std::size_t k = 1; k < number.values.size(); ++k) {
      CHECK(number.values[k - 1] < number.values[k]);
      CHECK(number.scores[k - 1] < number.scores[k]);
    }
  }
  CHECK(encoder.numbers()[1].values == std::vector<float>{0, 1, 2, 3});  // few distinct values: one knot for each
  float last = -std::numeric_limits<float>::infinity();
  for (double x = -1; x < 30; x += 0.0007) {
    const float score = encode(encoder, {x, 0, 0, 7, 0, 0, 0})[kAmount];
    REQUIRE(score >= last);
    last = score;
  }
}

TEST_CASE("every cell has a finite encoding of the documented meaning") {
  const auto encoder = fitted();
  const auto& amount = encoder.numbers()[0];
  const auto at = [&](double amount_cell, double word) {
    return encode(encoder, {amount_cell, 1, word, 7, kNan, 0, 0});
  };
  CHECK(at(kNan, 0)[kAmount] == 0.0f);
  CHECK(at(kNan, 0)[kAmountFlag] == 1.0f);
  CHECK(at(1, 0)[kAmountFlag] == 0.0f);
  CHECK(at(kInf, 0)[kAmount] == amount.scores.back());
  CHECK(at(1e300, 0)[kAmount] == amount.scores.back());
  CHECK(at(-kInf, 0)[kAmount] == amount.scores.front());
  CHECK(at(amount.values[5], 0)[kAmount] == amount.scores[5]);
  CHECK(at(1, 0)[kConstant] == 0.0f);
  CHECK(encode(encoder, {1, 1, 0, -5, 3, 0, 0})[kConstant] == 0.0f);
  CHECK(at(1, 0)[kAbsent] == 0.0f);
  CHECK(at(1, 0)[kAbsentFlag] == 1.0f);
  CHECK(encode(encoder, {1, 1, 0, 7, 3, 0, 0})[kAbsent] == 0.0f);
  for (const double code : {0.0, 1.0, 2.0}) CHECK(at(1, code)[kWord] == static_cast<float>(code));
  for (const double unseen : {3.0, 4.0, 1e300, kInf, -1.0, -kInf}) CHECK(at(1, unseen)[kWord] == 3.0f);
  CHECK(at(1, kNan)[kWord] == 4.0f);
  CHECK(at(1, 0)[kMargin] == 3.0f);
  for (const double wide : {-3e38, -1e38, 0.0, 1e38, 2.9e38, 3e38, kInf})
    CHECK(std::isfinite(encode(encoder, {1, 1, 0, 7, 0, wide, 0})[kWide]));
}

TEST_CASE("an encoder survives a JSON round trip to the bit") {
  const auto encoder = fitted();
  const auto back = dnn::Encoder::from_json(encoder.to_json(schema()), schema(), "network.json");
  CHECK(back.to_json(schema()) == encoder.to_json(schema()));
  Random random(6);
  for (int i = 0; i < 2000; ++i) {
    const std::vector<double> row = {random.below(9) ? random.normal() * 3 : kNan,
                                     random.normal() * 4,
                                     static_cast<double>(random.below(5)),
                                     7,
                                     random.normal(),
                                     random.normal() * 1e38,
                                     0};
    const auto m = static_cast<float>(random.normal());
    REQUIRE(bits(encode(encoder, row, {m, m, m, m})) == bits(encode(back, row, {m, m, m, m})));
  }
}

TEST_CASE("signals of the forest are inputs after its margins, and the margin is unchanged") {
  using enum dnn::ForestSignal;
  const Schema one({{.name = "x"}});
  Table rows(1, 3);
  FloatTable forest(6, 3);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t c = 0; c < 6; ++c) forest.row(i)[c] = static_cast<float>(c * (i + 1));
  const auto encoder = dnn::Encoder::fit(one, rows.view(), forest.view(), {disagreement, leaf_support});
  CHECK(encoder.n_margins() == 1);
  CHECK(encoder.n_forest_inputs() == 6);
  REQUIRE(encoder.n_encoded() == 8);  // x, four margins, two signals, the margin
  std::vector<float> out(8);
  encoder.encode(rows.row(0), forest.row(2), out);
  const auto scaled = [](float x, float mean, float deviation) { return (x - mean) / deviation; };
  CHECK(out[5] == Approx(scaled(12, 8, 4 * std::sqrt(2.0f / 3))));
  CHECK(out[6] == Approx(scaled(15, 10, 5 * std::sqrt(2.0f / 3))));
  CHECK(out[7] == 9.0f);

  const std::string json = encoder.to_json(one);
  const auto back = dnn::Encoder::from_json(json, one, "network.json");
  CHECK(back.to_json(one) == json);
  CHECK(std::ranges::equal(back.signals(), std::vector{disagreement, leaf_support}));
  const auto refused = [&](const std::string& signals) {
    std::string changed = json;
    const std::string whole = R"("facts":["disagreement","leaf_support"])";
    REQUIRE(changed.find(whole) != std::string::npos);
    changed.replace(changed.find(whole), whole.size(), signals);
    try {
      dnn::Encoder::from_json(changed, one, "network.json");
    } catch (const Error&) {
      return true;
    }
    return false;
  };
  CHECK_FALSE(refused(R"("facts":["leaf_support","disagreement"])"));
  for (const char* bad : {R"("facts":[])", R"("facts":["leaf_support"])", R"("facts":["leaf_support","leaf_support"])",
                          R"("facts":["leaf_support","depth"])", R"("facts":["leaf_support",1])", R"("facts":7)"})
    CHECK(refused(bad));
}

TEST_CASE("an encoder that does not match the schema is rejected") {
  const auto refused = [](const std::string& json) {
    try {
      dnn::Encoder::from_json(json, schema(), "network.json");
    } catch (const Error&) {
      return true;
    }
    return false;
  };
  const std::string forest =
      R"("forest":[{"mean":0,"deviation":1},{"mean":0,"deviation":1},{"mean":0,"deviation":1},{"mean":0,"deviation":1}])";
  const auto with_number = [&](const std::string& number) {
    return R"({"categories":[],)" + forest + R"(,"numbers":[)" + number + "]}";
  };
  CHECK_FALSE(refused(with_number(R"({"column":"amount","missing_flag":true,"values":[1,2],"scores":[0,1]})")));
  CHECK(refused(with_number(R"({"column":"amuont","missing_flag":true,"values":[1,2],"scores":[0,1]})")));
  CHECK(refused(with_number(R"({"column":"word","missing_flag":true,"values":[1,2],"scores":[0,1]})")));
  CHECK(refused(with_number(R"({"column":"amount","missing_flag":true,"values":[2,1],"scores":[0,1]})")));
  CHECK(refused(with_number(R"({"column":"amount","missing_flag":true,"values":[1,2],"scores":[0]})")));
  CHECK(refused(with_number(R"({"column":"amount","missing_flag":true,"values":[1,1e300],"scores":[0,1]})")));
  CHECK(refused(with_number(R"({"column":"amount","missing_flag":3,"values":[1,2],"scores":[0,1]})")));
  CHECK(refused(with_number("7")));
  CHECK(refused(R"({"categories":[],"numbers":[],"forest":[{"mean":0,"deviation":0}]})"));
  for (const char* bad : {"", "{", "null", "[]", "{}", R"({"numbers":[],"categories":[]})"}) CHECK(refused(bad));
}

}  // namespace sluice::test
