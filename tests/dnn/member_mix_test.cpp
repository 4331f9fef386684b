#include "sluice/dnn/train/member_mix.h"

#include <cmath>
#include <memory>
#include <vector>

#include "dnn_support.h"
#include "sluice/base/random.h"
#include "sluice/dnn/executor.h"
#include "sluice/dnn/train/trainer.h"
#include "support/catch.h"

namespace sluice::test {
namespace {

const RandomNetwork kShape = random_network({{{16, 16}}}, true, 23);

struct Sample {
  FloatTable encoded;
  std::vector<float> labels;
  dnn::TrainingRows rows() const { return {encoded.view(), labels}; }
};

/// The label is the sign of the first input; the forest's margin contains the share `known` of it.
Sample sign_sample(std::size_t n_rows, double known, std::uint64_t seed) {
  Sample sample{random_encoded(kShape.encoder, n_rows, seed), {}};
  Random random(seed, 1);
  for (std::size_t i = 0; i < n_rows; ++i) {
    const auto row = sample.encoded.row(i);
    const bool is_bad = (row[0] > 0) != (random.below(10) == 0);
    row.back() = static_cast<float>(random.normal() * 0.3 + (is_bad ? known : -known));
    sample.labels.push_back(is_bad ? 1.0f : 0.0f);
  }
  return sample;
}

dnn::TrainerOptions options_of(std::vector<bool> residual, dnn::NetworkKind kind) {
  dnn::TrainerOptions options;
  options.members.clear();
  for (const bool r : residual) {
    dnn::MemberOptions m = dnn::MemberOptions::of(kind);
    m.hidden = {16, 16};
    m.count = 1;
    m.n_paths = 4;
    m.n_kept = 2;
    m.residual = r;
    options.members.push_back(m);
  }
  options.max_epochs = 8;
  options.batch_size = 64;
  options.learning_rate = 5e-3;
  return options;
}

std::vector<float> margins_of(const dnn::TrainedNetwork& trained, BatchView encoded) {
  const auto network = std::make_shared<dnn::Network>(kShape.encoder, trained.shapes, trained.tensors, "trained");
  std::vector<float> margins(encoded.n_rows);
  dnn::make_executor(network)->forward(encoded, margins);
  return margins;
}

std::vector<double> doubles(const std::vector<float>& from) { return {from.begin(), from.end()}; }

}  // namespace

TEST_CASE("the share of members that learn from the row alone is the best tenth, and the factors make a mean of it") {
  Random random(5);
  for (int round = 0; round < 50; ++round) {
    const std::size_t n_residual = random.below(3), n_alone = n_residual == 0 ? 1 + random.below(2) : random.below(3);
    std::vector<bool> residual;
    std::vector<std::vector<double>> margins;
    std::vector<double> forest(60);
    std::vector<float> labels;
    for (double& m : forest) m = random.normal(), labels.push_back(random.below(2) ? 1.0f : 0.0f);
    for (std::size_t k = 0; k < n_residual + n_alone; ++k) {
      residual.push_back(k < n_residual);
      margins.emplace_back();
      for (std::size_t i = 0; i < 60; ++i)
        margins.back().push_back(random.normal() + (labels[i] > 0.5f ? 0.5 : -0.5) * random.uniform());
    }
    const auto mix = dnn::choose_mix(margins, residual, forest, labels);
    REQUIRE(mix.factors.size() == residual.size());

    const auto mixed_at = [&](double share) {
      std::vector<double> mixed(60);
      for (std::size_t i = 0; i < 60; ++i) {
        double corrected = n_residual == 0 ? forest[i] : 0, alone = 0;
        for (std::size_t k = 0; k < residual.size(); ++k)
          (residual[k] ? corrected : alone) += margins[k][i] / static_cast<double>(residual[k] ? n_residual : n_alone);
        mixed[i] = n_alone == 0 ? corrected : (1 - share) * corrected + share * alone;
      }
      return mixed;
    };
    for (int tenths = 0; tenths <= 10; ++tenths)
      CHECK(dnn::mean_log_loss(mixed_at(mix.share_alone), labels) <=
            dnn::mean_log_loss(mixed_at(tenths / 10.0), labels) + 1e-12);

    std::vector<double> served(60);
    double n_kept = 0;
    for (std::size_t k = 0; k < residual.size(); ++k) n_kept += mix.factors[k] != 0 || mix.forest != 0;
    for (std::size_t i = 0; i < 60; ++i) {
      for (std::size_t k = 0; k < residual.size(); ++k) served[i] += mix.factors[k] * margins[k][i] / n_kept;
      CHECK(served[i] + mix.forest * forest[i] == Approx(mixed_at(mix.share_alone)[i]).margin(1e-12));
    }
  }
}

TEST_CASE("a member that learns from the row alone reads none of the forest's inputs, and is stored so") {
  const Sample train = sign_sample(1500, 0.1, 1), valid = sign_sample(600, 0.1, 2);
  for (const auto kind : {dnn::NetworkKind::tabm, dnn::NetworkKind::mlp, dnn::NetworkKind::embedding}) {
    CAPTURE(dnn::to_string(kind));
    const auto trained = dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options_of({false}, kind));
    CHECK(trained.share_alone >= 0.5);
    const auto before = margins_of(trained, valid.encoded.view());
    CHECK(dnn::mean_log_loss(doubles(before), valid.labels) < 0.8 * trained.loss_before);
    Sample other = valid;
    const std::size_t n_dense = kShape.encoder.n_dense();
    for (std::size_t i = 0; i < other.labels.size(); ++i)
      for (std::size_t s = 0; s < dnn::kTreePrefixes.size(); ++s) other.encoded.row(i)[n_dense - 1 - s] += 3.0f;
    CHECK(bits(margins_of(trained, other.encoded.view())) == bits(before));
    for (std::size_t i = 0; i < other.labels.size(); ++i) other.encoded.row(i).back() += 1.0f;
    const auto after = margins_of(trained, other.encoded.view());
    for (std::size_t i = 0; i < after.size(); ++i)
      CHECK(after[i] - before[i] == Approx(1 - trained.share_alone).margin(1e-5));
  }
}

TEST_CASE("a mix is no worse than either kind of member, and useless members are dropped") {
  const Sample train = sign_sample(1500, 0.1, 3), valid = sign_sample(600, 0.1, 4);
  const auto both =
      dnn::train_network(kShape.encoder, train.rows(), valid.rows(), options_of({true, false}, dnn::NetworkKind::mlp));
  const double loss = dnn::mean_log_loss(doubles(margins_of(both, valid.encoded.view())), valid.labels);
  for (const double member : both.losses) CHECK(loss <= member + 1e-5);

  // The forest knows everything; a member that learns from the row alone knows hardly anything, because it has ten
  // rows.
  const Sample few = sign_sample(10, 8.0, 5), sure = sign_sample(600, 8.0, 6);
  const auto left =
      dnn::train_network(kShape.encoder, few.rows(), sure.rows(), options_of({false, true}, dnn::NetworkKind::mlp));
  CHECK(left.share_alone == 0);
  CHECK(left.shapes.size() == 1);
  CHECK(dnn::mean_log_loss(doubles(margins_of(left, sure.encoded.view())), sure.labels) <= left.loss_before + 1e-9);
}

}  // namespace sluice::test
