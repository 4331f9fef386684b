/// Mixed precision in training, and the device of training.

#include <torch/cuda.h>

#include <algorithm>
#include <cmath>

#include "sluice/dnn/train/mixed_precision.h"
#undef CHECK  // of LibTorch's logging
#include "sluice/dnn/train/loss_scale.h"
#include "support/catch.h"
#include "support/temp_dir.h"
#include "trainer_support.h"

namespace sluice::test {
namespace {

const RandomNetwork kShape = random_network({{{16, 16}}}, true, 131);

}  // namespace

TEST_CASE("the loss scale halves at each overflow, doubles after 2000 good steps in a row, and stays in its range") {
  dnn::LossScale scale;
  const double begin = scale.factor;
  CHECK(begin == 65536);
  CHECK_FALSE(scale.accept(false));
  CHECK(scale.factor == begin / 2);
  for (int i = 0; i < 1999; ++i) CHECK(scale.accept(true));
  CHECK(scale.factor == begin / 2);
  CHECK(scale.accept(true));
  CHECK(scale.factor == begin);
  for (int i = 0; i < 1999; ++i) scale.accept(true);
  CHECK_FALSE(scale.accept(false));  // the count starts again
  for (int i = 0; i < 1999; ++i) scale.accept(true);
  CHECK(scale.factor == begin / 2);
  for (int i = 0; i < 100; ++i) scale.accept(false);
  CHECK(scale.factor == 1);
  for (int i = 0; i < 100 * 2000; ++i) scale.accept(true);
  CHECK(scale.factor == 16777216);
}

TEST_CASE("bf16 learns about as well as float32, with its own reproducible bits") {
  const TempDir dir;
  const Sample train = xor_sample(kShape, 1500, 132), valid = xor_sample(kShape, 600, 133);
  for (const auto kind : {dnn::NetworkKind::tabm, dnn::NetworkKind::embedding}) {
    auto options = small_options();
    options.members = {dnn::MemberOptions::of(kind)};
    options.members[0].hidden = {24, 24};
    options.members[0].count = 1;
    options.members[0].n_paths = 4;
    options.members[0].n_kept = 0;
    CAPTURE(dnn::to_string(kind));
    const auto exact = dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options);
    options.precision = dnn::Precision::bf16;
    const auto rounded = dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options);
    CHECK(rounded.losses[0] < 0.8 * rounded.loss_before);
    CHECK(rounded.losses[0] == Approx(exact.losses[0]).margin(0.1 * exact.loss_before));
    const auto bytes = dnn::write_safetensors(rounded.tensors);
    CHECK(bytes != dnn::write_safetensors(exact.tensors));

    options.checkpoint = dir / std::string(dnn::to_string(kind));
    const Progress stop = [](std::string_view, std::uint64_t done, std::uint64_t) { return done < 3; };
    CHECK_THROWS_AS(dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options, stop), Error);
    const auto resumed = dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options);
    CHECK(dnn::write_safetensors(resumed.tensors) == bytes);
    options.precision = dnn::Precision::float32;
    CHECK(training_error(kShape.encoder, train.rows(), valid.rows(), options) == "training.checkpoint");
  }
}

TEST_CASE("a network trained in bf16 is validated in float32") {
  const Sample train = xor_sample(kShape, 300, 134), valid = xor_sample(kShape, 200, 135);
  auto options = small_options();
  options.members[0].count = 1;
  options.precision = dnn::Precision::bf16;
  const auto trained = dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options);
  const auto margins = double_forward(kShape.encoder, trained.shapes, trained.tensors, valid.encoded.view());
  double loss = 0;
  for (std::size_t i = 0; i < margins.size(); ++i)
    loss += std::log1p(std::exp(valid.labels[i] > 0.5f ? -margins[i] : margins[i])) / 200;
  REQUIRE(trained.epochs[0] > 0);
  CHECK(trained.losses[0] == Approx(loss).epsilon(1e-5));
}

TEST_CASE("an unavailable device or precision is rejected by name") {
  const Sample train = xor_sample(kShape, 60, 136);
  auto options = small_options();
  options.max_epochs = 1;
  const auto code = [&] { return training_error(kShape.encoder, train.rows(), train.rows(), options); };
  options.precision = dnn::Precision::fp16;
  CHECK(code() == "training.precision");
  options.precision = dnn::Precision::float32;
  options.device = dnn::Device::automatic;
  CHECK(code() == "training.options");
  options.device = {dnn::Device::cuda, 99};
  CHECK(code() == "device.unavailable");
  if (torch::cuda::is_available()) {
    for (const auto precision : {dnn::Precision::float32, dnn::Precision::bf16, dnn::Precision::fp16}) {
      options.device = dnn::Device::cuda;
      options.precision = precision;
      CHECK(code() == "");
    }
  } else {
    options.device = dnn::Device::cuda;
    CHECK(code() == "device.unavailable");
    WARN("SKIP training on a device: LibTorch finds no device");
  }
}

}  // namespace sluice::test
