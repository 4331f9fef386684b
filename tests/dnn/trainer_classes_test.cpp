/// Training of networks with a margin for each class.

#include <algorithm>
#include <cmath>

#include "sluice/dnn/train/training_loss.h"
#undef CHECK  // of LibTorch's logging
#include "support/catch.h"
#include "support/temp_dir.h"
#include "trainer_support.h"

namespace sluice::test {
namespace {

/// The class is the product of two signs and the range of a third input; the forest knows only the classes' shares.
Sample class_sample(const dnn::Encoder& encoder, std::size_t n_rows, std::uint64_t seed) {
  Sample sample{random_encoded(encoder, n_rows, seed), {}};
  Random random(seed, 1);
  for (std::size_t i = 0; i < n_rows; ++i) {
    const auto row = sample.encoded.row(i);
    for (float& margin : row.last(3)) margin = static_cast<float>(random.normal() * 0.1);
    row[row.size() - 3] += 0.5f;
    const bool is_noise = random.below(20) == 0, is_far = (row[0] > 0) != (row[2] > 0);
    sample.labels.push_back(is_noise ? static_cast<float>(random.below(3)) : !is_far ? 0.0f : row[0] > 0 ? 1.0f : 2.0f);
  }
  return sample;
}

/// Mean log-loss and share of rows whose class has the largest margin, computed directly from the softmax.
struct Quality {
  double loss = 0, right = 0;
};
Quality quality(const std::vector<double>& margins, const std::vector<float>& labels) {
  Quality q;
  const std::size_t n_classes = margins.size() / labels.size();
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double* z = &margins[i * n_classes];
    const auto label = static_cast<std::size_t>(labels[i]);
    double sum = 0;
    for (std::size_t c = 0; c < n_classes; ++c) sum += std::exp(z[c]);
    q.loss -= std::log(std::exp(z[label]) / sum) / static_cast<double>(labels.size());
    q.right += (std::max_element(z, z + n_classes) == z + label ? 1.0 : 0.0) / static_cast<double>(labels.size());
  }
  return q;
}

double majority(const std::vector<float>& labels) {
  std::ptrdiff_t most = 0;
  for (const float c : {0.0f, 1.0f, 2.0f}) most = std::max(most, std::count(labels.begin(), labels.end(), c));
  return static_cast<double>(most) / static_cast<double>(labels.size());
}

const RandomNetwork kThree = random_network({{{16}}}, true, 71, 3);

}  // namespace

TEST_CASE("gradients of the losses match finite differences, and both losses of two classes are equal") {
  Random random(3);
  for (const std::size_t n_outputs : {1, 2, 5}) {
    const long n = 4, n_paths = 3, outputs = static_cast<long>(n_outputs);
    std::vector<double> values;
    for (long i = 0; i < n * n_paths * outputs; ++i) values.push_back(random.normal() * 2);
    std::vector<float> labels;
    for (long i = 0; i < n; ++i)
      labels.push_back(static_cast<float>(random.below(std::max<std::size_t>(2, n_outputs))));
    auto z = torch::tensor(values, torch::kFloat64).view({n, n_paths, outputs}).requires_grad_(true);
    const auto losses = dnn::losses_of(z, torch::tensor(labels).unsqueeze(1).to(torch::kFloat64));
    REQUIRE(losses.sizes() == torch::IntArrayRef({n, n_paths}));
    losses.sum().backward();
    // The loss of the row and path that contain `at`.
    const auto loss_at = [&](std::size_t at, double value) {
      std::vector<double> own(values.begin() + static_cast<long>(at / n_outputs * n_outputs),
                              values.begin() + static_cast<long>((at / n_outputs + 1) * n_outputs));
      own[at % n_outputs] = value;
      const float label = labels[at / n_outputs / static_cast<std::size_t>(n_paths)];
      if (n_outputs == 1) return std::log1p(std::exp(label > 0.5f ? -own[0] : own[0]));
      double sum = 0;
      for (const double x : own) sum += std::exp(x);
      return std::log(sum) - own[static_cast<std::size_t>(label)];
    };
    for (std::size_t at = 0; at < values.size(); ++at) {
      constexpr double kStep = 1e-5;
      const double slope = (loss_at(at, values[at] + kStep) - loss_at(at, values[at] - kStep)) / (2 * kStep);
      REQUIRE(z.grad().data_ptr<double>()[at] == Approx(slope).epsilon(1e-6).margin(1e-9));
      const auto row = static_cast<long>(at / n_outputs) / n_paths, path = static_cast<long>(at / n_outputs) % n_paths;
      REQUIRE(losses[row][path].item<double>() == Approx(loss_at(at, values[at])).epsilon(1e-9));
      const std::span<const double> own(&values[at / n_outputs * n_outputs], n_outputs);
      REQUIRE(dnn::loss_of(own, labels[static_cast<std::size_t>(row)]) ==
              Approx(loss_at(at, values[at])).epsilon(1e-9));
    }
  }
  for (const double margin : {-800.0, -3.0, 0.0, 2.0, 800.0})
    for (const float label : {0.0f, 1.0f})
      CHECK(dnn::loss_of(std::vector<double>{0, margin}, label) ==
            Approx(dnn::loss_of(std::vector<double>{margin}, label)).epsilon(1e-12));
}

TEST_CASE("every kind of network learns three classes that the forest does not know, and its file reproduces them") {
  const Sample train = class_sample(kThree.encoder, 1500, 72), valid = class_sample(kThree.encoder, 600, 73);
  for (const auto kind : {dnn::NetworkKind::tabm, dnn::NetworkKind::mlp, dnn::NetworkKind::embedding}) {
    auto options = small_options();
    options.members = {dnn::MemberOptions::of(kind)};
    options.members[0].hidden = {24, 24};
    options.members[0].count = 1;
    options.members[0].n_paths = 8;
    options.members[0].n_kept = 3;
    CAPTURE(dnn::to_string(kind));
    std::vector<dnn::EpochReport> reports;
    const auto trained = dnn::train_network(kThree.encoder, train.rows(), valid.rows(), options, {},
                                            [&](const dnn::EpochReport& r) { reports.push_back(r); });
    const auto margins = double_forward(kThree.encoder, trained.shapes, trained.tensors, valid.encoded.view());
    const Quality q = quality(margins, valid.labels);
    CHECK(trained.losses[0] < 0.8 * trained.loss_before);
    CHECK(q.right > majority(valid.labels) + 0.2);
    CHECK(reports.back().auc > 0.85);
    // Its loss is that of all eight paths.
    if (kind == dnn::NetworkKind::tabm)
      CHECK(q.loss < trained.losses[0] + 0.01);
    else
      CHECK(q.loss == Approx(trained.losses[0]).epsilon(1e-4));
    const auto network = std::make_shared<dnn::Network>(kThree.encoder, trained.shapes, trained.tensors, "trained");
    std::vector<float> served(margins.size());
    dnn::make_executor(network)->forward(valid.encoded.view(), served);
    for (std::size_t i = 0; i < margins.size(); ++i) REQUIRE(served[i] == Approx(margins[i]).margin(1e-4));
  }
}

TEST_CASE("zero epochs give the margins of all classes exactly, and training is never worse") {
  auto options = small_options();
  options.max_epochs = 0;
  const Sample train = class_sample(kThree.encoder, 300, 74), valid = class_sample(kThree.encoder, 200, 75);
  const auto none = dnn::train_network(kThree.encoder, train.rows(), valid.rows(), options);
  const auto network = std::make_shared<dnn::Network>(kThree.encoder, none.shapes, none.tensors, "trained");
  std::vector<float> margins(600), expected;
  dnn::make_executor(network)->forward(valid.encoded.view(), margins);
  for (std::size_t i = 0; i < 200; ++i)
    for (const float margin : valid.encoded.row(i).last(3)) expected.push_back(margin);
  CHECK(bits(margins) == bits(expected));
  CHECK(none.loss_before ==
        Approx(quality(std::vector<double>(expected.begin(), expected.end()), valid.labels).loss).epsilon(1e-9));

  Sample noise = train;
  Random random(8);
  for (float& label : noise.labels) label = static_cast<float>(random.below(3));
  options = small_options();
  options.learning_rate = 0.05;
  const auto trained = dnn::train_network(kThree.encoder, noise.rows(), valid.rows(), options);
  for (const double loss : trained.losses) CHECK(loss <= trained.loss_before);
}

TEST_CASE("two classes with a softmax learn about as well as one margin") {
  const RandomNetwork one = random_network({{{16}}}, true, 81), two = random_network({{{16}}}, true, 81, 2);
  REQUIRE(two.encoder.n_dense() == one.encoder.n_dense() + dnn::kTreePrefixes.size());
  Sample parts[2][2];
  for (const std::size_t k : {0, 1}) {
    parts[0][k] = xor_sample(one, k == 0 ? 1500 : 600, 82 + k);
    // The same rows with uninformative prefixes of the second class, and margins 0 and m.
    Sample& to = parts[1][k];
    to.labels = parts[0][k].labels;
    for (std::size_t i = 0; i < to.labels.size(); ++i) {
      const auto from = parts[0][k].encoded.row(i);
      std::vector<float> row(from.begin(), from.begin() + static_cast<long>(one.encoder.n_dense()));
      row.resize(two.encoder.n_dense(), 0.0f);
      row.insert(row.end(), from.begin() + static_cast<long>(one.encoder.n_dense()), from.end() - 1);
      row.push_back(0.0f);
      row.push_back(from.back());
      if (to.encoded.n_rows() == 0) to.encoded = FloatTable(row.size());
      to.encoded.append(row);
    }
  }
  const auto a = dnn::train_network(one.encoder, parts[0][0].rows(), parts[0][1].rows(), small_options());
  const auto b = dnn::train_network(two.encoder, parts[1][0].rows(), parts[1][1].rows(), small_options());
  CHECK(b.loss_before == Approx(a.loss_before).epsilon(1e-6));
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(a.losses[k] < 0.8 * a.loss_before);
    CHECK(b.losses[k] == Approx(a.losses[k]).margin(0.15 * a.loss_before));
  }
}

TEST_CASE("an interrupted training of classes resumes to the same bits, and so does one of embeddings") {
  const TempDir dir;
  const Sample classes[2] = {class_sample(kThree.encoder, 400, 91), class_sample(kThree.encoder, 200, 92)};
  const RandomNetwork binary = random_network({{{16}}}, true, 93);
  const Sample signs[2] = {xor_sample(binary, 400, 94), xor_sample(binary, 200, 95)};
  for (const bool has_classes : {true, false}) {
    const auto& encoder = has_classes ? kThree.encoder : binary.encoder;
    const Sample* const of = has_classes ? classes : signs;
    auto options = small_options();
    options.members = {dnn::MemberOptions::of(dnn::NetworkKind::embedding)};
    options.members[0].hidden = {16};
    options.members[0].count = 2;
    options.max_epochs = 5;
    const auto whole = dnn::train_network(encoder, of[0].rows(), of[1].rows(), options);
    options.checkpoint = dir / (has_classes ? "classes" : "signs");
    const Progress stop = [](std::string_view, std::uint64_t done, std::uint64_t) { return done < 3; };
    CHECK_THROWS_AS(dnn::train_network(encoder, of[0].rows(), of[1].rows(), options, stop), Error);
    const auto resumed = dnn::train_network(encoder, of[0].rows(), of[1].rows(), options);
    CHECK(dnn::write_safetensors(resumed.tensors) == dnn::write_safetensors(whole.tensors));
    CHECK(resumed.epochs == whole.epochs);
  }
}

TEST_CASE("labels that are not a class, and options for two classes, are rejected") {
  const Sample train = class_sample(kThree.encoder, 60, 96), valid = class_sample(kThree.encoder, 60, 97);
  for (const float label : {3.0f, -1.0f, 0.5f, std::nanf("")}) {
    Sample bad = train;
    bad.labels[7] = label;
    CHECK(training_error(kThree.encoder, bad.rows(), valid.rows(), small_options()) == "training.label");
  }
  auto options = small_options();
  options.positive_weight = 2;
  CHECK(training_error(kThree.encoder, train.rows(), valid.rows(), options) == "training.options");
}

}  // namespace sluice::test
