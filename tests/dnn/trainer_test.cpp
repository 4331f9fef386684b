#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/dnn/train/epoch_order.h"
#include "support/catch.h"
#include "support/temp_dir.h"
#include "trainer_support.h"

namespace sluice::test {
namespace {

double log_loss(const std::vector<double>& margins, const std::vector<float>& labels) {
  double sum = 0;
  for (std::size_t i = 0; i < margins.size(); ++i)
    sum += std::log1p(std::exp(labels[i] > 0.5f ? -margins[i] : margins[i]));
  return sum / static_cast<double>(margins.size());
}

const RandomNetwork kShape = random_network({{{16, 16}}}, true, 21);

}  // namespace

TEST_CASE("zero epochs give the forest's margin exactly") {
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

TEST_CASE("the network learns an XOR that the margin lacks, with equal bits for any number of threads") {
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

TEST_CASE("if there is nothing to learn, validation is never worse than before") {
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

TEST_CASE("every kind of network learns, its file reproduces it, and the best paths are kept") {
  const Sample train = xor_sample(kShape, 1500, 31), valid = xor_sample(kShape, 600, 32);
  for (const auto kind : {dnn::NetworkKind::tabm, dnn::NetworkKind::mlp, dnn::NetworkKind::embedding}) {
    auto options = small_options();
    options.members = {dnn::MemberOptions::of(kind)};
    options.members[0].hidden = {24, 24};
    options.members[0].count = 1;
    options.members[0].n_paths = 8;
    options.members[0].n_kept = 3;
    CAPTURE(dnn::to_string(kind));
    const auto trained = dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options);
    CHECK(trained.losses[0] < 0.8 * trained.loss_before);
    CHECK(trained.shapes[0].n_paths == (kind == dnn::NetworkKind::tabm ? 3 : 1));
    const auto margins = double_forward(kShape.encoder, trained.shapes, trained.tensors, valid.encoded.view());
    CHECK(log_loss(margins, valid.labels) < trained.losses[0] + 0.01);
    if (kind == dnn::NetworkKind::tabm) continue;  // its loss is that of all eight paths
    CHECK(log_loss(margins, valid.labels) == Approx(trained.losses[0]).epsilon(1e-4));
  }
}

TEST_CASE("an interrupted training resumes to the same bits, and a checkpoint of other data is rejected") {
  const TempDir dir;
  const Sample train = xor_sample(kShape, 400, 41), valid = xor_sample(kShape, 200, 42);
  for (const auto schedule : {dnn::Schedule::constant, dnn::Schedule::cosine, dnn::Schedule::plateau}) {
    auto options = small_options();
    options.members[0].kind = dnn::NetworkKind::tabm;
    options.members[0].n_paths = 4;
    options.schedule = schedule;
    options.max_epochs = 6;
    const auto whole = dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options);
    options.checkpoint = dir / std::to_string(static_cast<int>(schedule));
    const Progress stop = [](std::string_view, std::uint64_t done, std::uint64_t) { return done < 5; };
    CHECK_THROWS_AS(dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options, stop), Error);
    std::size_t n_epochs = 0;
    const auto resumed = dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options, {},
                                            [&](const dnn::EpochReport&) { ++n_epochs; });
    CHECK(n_epochs > 0);
    CHECK(n_epochs < 12);
    CHECK(dnn::write_safetensors(resumed.tensors) == dnn::write_safetensors(whole.tensors));
    CHECK(resumed.epochs == whole.epochs);

    const auto code = [&](const dnn::TrainerOptions& o) -> std::string {
      try {
        dnn::train_network(kShape.encoder, train.rows(), valid.rows(), o);
      } catch (const Error& e) {
        return e.code();
      }
      return "";
    };
    options.learning_rate *= 2;
    CHECK(code(options) == "training.checkpoint");
    options.learning_rate /= 2;
    write_file(options.checkpoint / "member.0.checkpoint", "no checkpoint");
    CHECK(code(options) == "training.checkpoint");
  }
}

TEST_CASE("after a loss that is not finite, training returns to its last good epoch at half the rate") {
  const Sample train = xor_sample(kShape, 600, 51), valid = xor_sample(kShape, 300, 52);
  auto options = small_options();
  options.members[0].count = 1;
  options.learning_rate = 1e30;  // overflows also after eight halvings
  options.clip_norm = 0;
  options.warm_up = 0;
  try {
    dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options);
    FAIL("training should have failed");
  } catch (const Error& e) {
    CHECK(e.code() == "training.diverged");
  }
  // The product of three layers overflows until the rate is halved a few times.
  options.learning_rate = 1e6;
  options.schedule = dnn::Schedule::constant;
  options.max_epochs = 1;
  double rate = 0;
  const auto trained = dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options, {},
                                          [&](const dnn::EpochReport& r) { rate = r.learning_rate; });
  REQUIRE(trained.restarts[0] >= 1);
  CHECK(rate == Approx(1e6 / std::exp2(static_cast<double>(trained.restarts[0]))));
  CHECK(trained.losses[0] <= trained.loss_before);
}

TEST_CASE("an epoch reads every row once, block after block") {
  const auto order = dnn::epoch_order(1000, 64, 3, 7);
  std::vector<std::size_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i) REQUIRE(sorted[i] == i);
  CHECK(order != dnn::epoch_order(1000, 64, 3, 8));
  // A window of three blocks; the last but one is shorter.
  for (std::size_t first = 0; first < 1000; first += 192) {
    std::set<std::size_t> blocks;
    for (std::size_t i = first; i < std::min<std::size_t>(first + 192 - 64, 1000); ++i) blocks.insert(order[i] / 64);
    CHECK(blocks.size() <= 4);
  }
}

TEST_CASE("rows of a mapped file give the same bits as rows in memory") {
  const TempDir dir;
  const Sample train = xor_sample(kShape, 900, 61), valid = xor_sample(kShape, 300, 62);
  auto options = small_options();
  options.max_epochs = 2;
  options.block_rows = 100;
  options.n_blocks = 2;
  const std::size_t n = train.encoded.view().n_columns * 900;
  write_file(dir / "rows", {reinterpret_cast<const char*>(train.encoded.view().data), n * sizeof(float)});
  const int file = open((dir / "rows").c_str(), O_RDONLY);
  void* mapped = mmap(nullptr, n * sizeof(float), PROT_READ, MAP_PRIVATE, file, 0);
  REQUIRE(mapped != MAP_FAILED);
  const BatchView view(static_cast<const float*>(mapped), 900, train.encoded.view().n_columns);
  const auto from_file = dnn::train_network(kShape.encoder, {view, train.labels}, valid.rows(), options);
  const auto from_memory = dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options);
  CHECK(dnn::write_safetensors(from_file.tensors) == dnn::write_safetensors(from_memory.tensors));
  munmap(mapped, n * sizeof(float));
  close(file);
}

TEST_CASE("training stops on request and rejects ill-shaped data") {
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
