#include <cmath>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "sluice/base/number.h"
#include "sluice/dnn/trainer.h"
#include "support/catch.h"

namespace sluice::test {
namespace {

struct Sample {
  FloatTable encoded;
  std::vector<float> labels;
  dnn::TrainingRows rows() const { return {encoded.view(), labels}; }
};

/// The label is the XOR of two signs, now and then flipped; the forest's margin knows nothing of it.
Sample xor_sample(const RandomNetwork& n, std::size_t n_rows, std::uint64_t seed) {
  Sample sample{random_encoded(n.encoder, n_rows, seed), {}};
  Random random(seed, 1);
  for (std::size_t i = 0; i < n_rows; ++i) {
    const auto row = sample.encoded.row(i);
    row.back() = static_cast<float>(random.normal() * 0.3);
    sample.labels.push_back(((row[0] > 0) != (row[2] > 0)) != (random.below(20) == 0) ? 1.0f : 0.0f);
  }
  return sample;
}

dnn::TrainerOptions small_options() {
  dnn::TrainerOptions options;
  options.members = {dnn::MemberOptions::of(dnn::NetworkKind::mlp)};
  options.members[0].hidden = {16, 16};
  options.members[0].count = 2;
  options.max_epochs = 12;
  options.batch_size = 64;
  options.learning_rate = 5e-3;
  return options;
}

double log_loss(const std::vector<double>& margins, const std::vector<float>& labels) {
  double sum = 0;
  for (std::size_t i = 0; i < margins.size(); ++i)
    sum += std::log1p(std::exp(labels[i] > 0.5f ? -margins[i] : margins[i]));
  return sum / static_cast<double>(margins.size());
}

const RandomNetwork kShape = random_network({{{16, 16}}}, true, 21);

}  // namespace

TEST_CASE("no epoch gives the forest's margin exactly") {
  auto options = small_options();
  options.max_epochs = 0;
  const Sample train = xor_sample(kShape, 300, 1), valid = xor_sample(kShape, 200, 2);
  const auto trained = dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options);
  const auto network = std::make_shared<dnn::Network>(kShape.encoder, trained.shapes, trained.tensors, "trained");
  std::vector<float> margins(200), expected;
  dnn::make_executor(network)->forward(valid.encoded.view(), margins);
  for (std::size_t i = 0; i < 200; ++i) expected.push_back(valid.encoded.row(i).back());
  CHECK(bits(margins) == bits(expected));
  CHECK(trained.epochs == std::vector<std::size_t>(2, 0));
}

TEST_CASE("the network learns an XOR that the margin lacks, and the same whatever the number of threads") {
  const Sample train = xor_sample(kShape, 1500, 3), valid = xor_sample(kShape, 600, 4);
  auto options = small_options();
  const auto one = dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options);
  for (const double loss : one.losses) CHECK(loss < 0.8 * one.loss_before);
  options.n_threads = 2;
  const auto two = dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options);
  CHECK(dnn::write_safetensors(one.tensors) == dnn::write_safetensors(two.tensors));
  options.seed = 2;
  CHECK(dnn::write_safetensors(dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options).tensors) !=
        dnn::write_safetensors(one.tensors));

  const auto network = std::make_shared<dnn::Network>(kShape.encoder, one.shapes, one.tensors, "trained");
  std::vector<float> margins(600);
  dnn::make_executor(network)->forward(valid.encoded.view(), margins);
  const auto expected = double_forward(kShape.encoder, one.shapes, one.tensors, valid.encoded.view());
  for (std::size_t i = 0; i < 600; ++i) REQUIRE(margins[i] == Approx(expected[i]).margin(1e-4));
  // By Jensen, the mean of the members' margins is no worse than the mean of their losses.
  CHECK(log_loss(expected, valid.labels) <= 0.5 * (one.losses[0] + one.losses[1]) + 1e-6);
}

TEST_CASE("where there is nothing to learn, validation is never worse than before") {
  Sample train = xor_sample(kShape, 200, 5), valid = xor_sample(kShape, 200, 6);
  Random random(7);
  for (auto* labels : {&train.labels, &valid.labels})
    for (float& y : *labels) y = static_cast<float>(random.below(2));
  auto options = small_options();
  options.learning_rate = 0.05;
  const auto trained = dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options);
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(trained.losses[k] <= trained.loss_before);
    CHECK((trained.epochs[k] > 0) == (trained.losses[k] < trained.loss_before));
  }
  std::vector<double> forest;
  for (std::size_t i = 0; i < 200; ++i) forest.push_back(valid.encoded.row(i).back());
  CHECK(trained.loss_before == Approx(log_loss(forest, valid.labels)).epsilon(1e-6));
}

TEST_CASE("training stops on request and refuses ill-shaped data") {
  const Sample train = xor_sample(kShape, 200, 8), valid = xor_sample(kShape, 100, 9);
  const auto code = [&](const dnn::TrainingRows& rows, const Progress& progress) -> std::string {
    try {
      dnn::train_network(kShape.encoder, rows, valid.rows(), small_options(), progress);
    } catch (const Error& e) {
      return e.code();
    }
    return "";
  };
  CHECK(code(train.rows(), [](std::string_view, std::uint64_t, std::uint64_t) { return false; }) == "interrupted");
  CHECK(code({train.encoded.view(), {}}, {}) == "training.shape");
  CHECK(code({BatchView(), {}}, {}) == "training.shape");
  const FloatTable narrow(kShape.encoder.n_encoded() - 1, 200);
  CHECK(code({narrow.view(), train.labels}, {}) == "training.shape");
}

}  // namespace sluice::test
