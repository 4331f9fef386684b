/// Data that is short, flat, missing, wide or broken.

#include <cmath>
#include <limits>

#include "support/catch.h"
#include "trainer_support.h"

namespace sluice::test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
const RandomNetwork kShape = random_network({{{16, 16}}}, true, 121);

dnn::TrainerOptions options_of(dnn::NetworkKind kind) {
  auto options = small_options();
  options.members = {dnn::MemberOptions::of(kind)};
  options.members[0].hidden = {16};
  options.members[0].count = 1;
  options.members[0].n_paths = 4;
  options.members[0].n_kept = 2;
  options.max_epochs = 3;
  return options;
}

constexpr dnn::NetworkKind kKinds[] = {dnn::NetworkKind::tabm, dnn::NetworkKind::mlp, dnn::NetworkKind::embedding};

/// Trains twice. The tensors must be equal and finite, no loss worse than the forest's, and the margins those of the
/// executor.
void check_survives(const dnn::Encoder& encoder, const Sample& train, const Sample& valid) {
  for (const auto kind : kKinds) {
    CAPTURE(dnn::to_string(kind));
    const auto once = dnn::train_network(encoder, train.rows(), valid.rows(), options_of(kind));
    const auto again = dnn::train_network(encoder, train.rows(), valid.rows(), options_of(kind));
    CHECK(dnn::write_safetensors(once.tensors) == dnn::write_safetensors(again.tensors));
    CHECK(once.losses[0] <= once.loss_before);
    CHECK(std::isfinite(once.losses[0]));
    const auto expected = double_forward(encoder, once.shapes, once.tensors, valid.encoded.view());
    const auto network = std::make_shared<dnn::Network>(encoder, once.shapes, once.tensors, "trained");
    std::vector<float> margins(expected.size());
    dnn::make_executor(network)->forward(valid.encoded.view(), margins);
    for (std::size_t i = 0; i < margins.size(); ++i) REQUIRE(margins[i] == Approx(expected[i]).margin(1e-3));
  }
}

/// Rows of a schema, their labels, and margins of the forest without information.
struct Raw {
  Schema schema;
  Table rows;
  std::vector<float> labels;

  explicit Raw(std::vector<Column> columns) : schema(std::move(columns)), rows(schema.size()) {}
  void add(const std::vector<double>& row, bool is_bad) {
    rows.append(row);
    labels.push_back(is_bad ? 1.0f : 0.0f);
  }
  dnn::Encoder encoder() const {
    return dnn::Encoder::fit(schema, rows.view(), std::vector<dnn::PrefixMargins>(rows.n_rows()));
  }
  Sample encoded(const dnn::Encoder& encoder) const {
    Sample sample{FloatTable(encoder.n_encoded(), rows.n_rows()), labels};
    for (std::size_t i = 0; i < rows.n_rows(); ++i)
      encoder.encode(rows.row(i), dnn::PrefixMargins{}, sample.encoded.row(i));
    return sample;
  }
};

}  // namespace

TEST_CASE("one training row of each class is enough to train, and one class is not") {
  Sample train = xor_sample(kShape, 2, 122), valid = xor_sample(kShape, 50, 123);
  train.labels = {0, 1};
  check_survives(kShape.encoder, train, valid);
  valid.labels.assign(50, 1.0f);  // its AUC is not a number, but its loss is
  check_survives(kShape.encoder, train, valid);
  Sample many = xor_sample(kShape, 300, 124);
  for (const float label : {0.0f, 1.0f}) {
    many.labels.assign(300, label);
    for (const auto kind : kKinds)
      CHECK(training_error(kShape.encoder, many.rows(), valid.rows(), options_of(kind)) == "training.one_class");
  }
}

TEST_CASE("a category of ten thousand words trains, and unseen words are served") {
  std::vector<std::string> words;
  for (int i = 0; i < 10000; ++i) words.push_back("merchant " + std::to_string(i));
  Raw raw({{.name = "merchant", .kind = Kind::category, .vocabulary = words}, {.name = "amount"}});
  Random random(125);
  for (int i = 0; i < 1200; ++i) {
    const auto word = static_cast<double>(random.below(200) * 50);
    raw.add({word, random.normal()}, static_cast<int>(word) % 100 == 0);
  }
  const auto encoder = raw.encoder();
  const Sample train = raw.encoded(encoder);
  Raw later(raw.schema.columns());
  for (int i = 0; i < 300; ++i)
    later.add({i % 3 == 0   ? static_cast<double>(random.below(10000))
               : i % 3 == 1 ? -1.0
                            : std::nan(""),
               random.normal()},
              i % 2 == 0);
  check_survives(encoder, train, later.encoded(encoder));

  auto options = options_of(dnn::NetworkKind::embedding);
  options.max_epochs = 12;
  const auto trained = dnn::train_network(encoder, train.rows(), train.rows(), options);
  CHECK(trained.losses[0] < 0.5 * trained.loss_before);
}

TEST_CASE("columns without variance and rows without a value train") {
  Raw raw({{.name = "flat"}, {.name = "absent"}, {.name = "x"}, {.name = "huge"}});
  Random random(126);
  for (int i = 0; i < 300; ++i) {
    const double x = random.normal();
    if (i % 10 == 0)
      raw.add({std::nan(""), std::nan(""), std::nan(""), std::nan("")}, i % 20 == 0);
    else
      raw.add({7, std::nan(""), x, i % 2 ? 3e38 : -3e38}, x > 0);
  }
  const auto encoder = raw.encoder();
  const Sample sample = raw.encoded(encoder);
  check_survives(encoder, sample, sample);

  Raw missing({{.name = "x"}, {.name = "word", .kind = Kind::category, .vocabulary = {"a"}}});
  for (int i = 0; i < 40; ++i) missing.add({std::nan(""), std::nan("")}, i % 4 == 0);
  const Sample none = missing.encoded(missing.encoder());
  check_survives(missing.encoder(), none, none);
}

TEST_CASE("dense inputs that are all one large number train") {
  Sample sample = xor_sample(kShape, 100, 127);
  for (std::size_t i = 0; i < 100; ++i) sample.encoded.row(i)[1] = 1e12f;
  for (const auto kind : kKinds) {
    const auto trained = dnn::train_network(kShape.encoder, sample.rows(), sample.rows(), options_of(kind));
    CHECK(trained.losses[0] <= trained.loss_before);
  }
}

TEST_CASE("rows with values that are not finite, codes without a word and invalid labels are rejected") {
  const Sample good = xor_sample(kShape, 60, 128);
  const auto refused = [&](const auto& change) {
    Sample bad = good;
    change(bad);
    const auto as_training = training_error(kShape.encoder, bad.rows(), good.rows(), small_options());
    CHECK(training_error(kShape.encoder, good.rows(), bad.rows(), small_options()) == as_training);
    return as_training;
  };
  const std::size_t code = kShape.encoder.n_dense(), margin = kShape.encoder.n_encoded() - 1;
  for (const float x : {std::nanf(""), kInf, -kInf})
    for (const std::size_t at : {std::size_t{0}, code, margin})
      CHECK(refused([&](Sample& s) { s.encoded.row(13)[at] = x; }) == "training.not_finite");
  for (const float x : {-1.0f, 0.5f, 1e9f, static_cast<float>(kShape.encoder.categories()[0].n_words + 2)})
    CHECK(refused([&](Sample& s) { s.encoded.row(59)[code] = x; }) == "training.code");
  for (const float x : {-1.0f, 0.5f, 2.0f, std::nanf("")})
    CHECK(refused([&](Sample& s) { s.labels[0] = x; }) == "training.label");
}

TEST_CASE("a learnt network whose tensors are made infinite is rejected at load") {
  const Sample sample = xor_sample(kShape, 60, 129);
  auto trained =
      dnn::train_network(kShape.encoder, sample.rows(), sample.rows(), options_of(dnn::NetworkKind::embedding));
  const std::string json =
      dnn::Network(kShape.encoder, trained.shapes, trained.tensors, "trained").to_json(kShape.schema);
  for (const float x : {std::nanf(""), kInf, -kInf})
    for (auto& [name, tensor] : trained.tensors) {
      const float before = std::exchange(tensor.values.front(), x);
      std::string code;
      try {
        dnn::Network::load(json, dnn::write_safetensors(trained.tensors), kShape.schema, "network.json");
      } catch (const Error& e) {
        code = e.code();
      }
      CAPTURE(name, x);
      CHECK(code == "weights.not_finite");
      tensor.values.front() = before;
    }
}

}  // namespace sluice::test
