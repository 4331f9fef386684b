#include "sluice/backtest/score_histogram.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "sluice/base/number.h"

namespace sluice::backtest {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kUnits = 4294967296.0;  // units of Bin::p_sum per 1

double as_double(std::uint64_t n) { return static_cast<double>(n); }

}  // namespace

std::size_t ScoreHistogram::bin_of(double p) const {
  const double place = (logit(p) + kLogitRange) / (2 * kLogitRange) * static_cast<double>(n_bins_);
  return static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(n_bins_ - 1)));
}

double ScoreHistogram::logit_at(std::size_t edge) const {
  return (2.0 * static_cast<double>(edge) / static_cast<double>(n_bins_) - 1) * kLogitRange;
}

void ScoreHistogram::add(double p, bool is_bad) {
  if (bins_.empty()) bins_.resize(n_bins_);
  Bin& bin = bins_[bin_of(p)];
  ++(is_bad ? bin.bad : bin.good);
  ++(is_bad ? n_bad_ : n_good_);
  bin.p_sum += static_cast<std::uint64_t>(std::llround(p * kUnits));
}

void ScoreHistogram::merge(const ScoreHistogram& other) {
  assert(n_bins_ == other.n_bins_);
  if (other.bins_.empty()) return;
  if (bins_.empty()) bins_.resize(n_bins_);
  for (std::size_t b = 0; b < n_bins_; ++b) {
    bins_[b].good += other.bins_[b].good;
    bins_[b].bad += other.bins_[b].bad;
    bins_[b].p_sum += other.bins_[b].p_sum;
  }
  n_good_ += other.n_good_;
  n_bad_ += other.n_bad_;
}

double ScoreHistogram::auc() const {
  if (n_good_ == 0 || n_bad_ == 0) return kNone;
  double pairs = 0, good_below = 0;
  for (const Bin& bin : bins_) {
    pairs += as_double(bin.bad) * (good_below + 0.5 * as_double(bin.good));
    good_below += as_double(bin.good);
  }
  return pairs / (as_double(n_bad_) * as_double(n_good_));
}

double ScoreHistogram::auc_bound() const {
  if (n_good_ == 0 || n_bad_ == 0) return kNone;
  double tied = 0;
  for (const Bin& bin : bins_) tied += as_double(bin.bad) * as_double(bin.good);
  return 0.5 * tied / (as_double(n_bad_) * as_double(n_good_));
}

double ScoreHistogram::ks() const {
  if (n_good_ == 0 || n_bad_ == 0) return kNone;
  double good = 0, bad = 0, widest = 0;
  for (const Bin& bin : bins_) {
    good += as_double(bin.good);
    bad += as_double(bin.bad);
    widest = std::max(widest, std::abs(good / as_double(n_good_) - bad / as_double(n_bad_)));
  }
  return widest;
}

double ScoreHistogram::pr_auc() const {
  if (n_good_ == 0 || n_bad_ == 0) return kNone;
  double flagged = 0, caught = 0, area = 0;
  for (auto bin = bins_.rbegin(); bin != bins_.rend(); ++bin) {
    flagged += as_double(bin->n_rows());
    caught += as_double(bin->bad);
    if (bin->bad > 0) area += as_double(bin->bad) / as_double(n_bad_) * (caught / flagged);
  }
  return area;
}

std::vector<RocPoint> ScoreHistogram::roc(std::size_t n_points) const {
  std::vector<RocPoint> points;
  if (n_good_ == 0 || n_bad_ == 0) return points;
  points.push_back({});
  const double step = 2.0 / static_cast<double>(n_points);
  double good = 0, bad = 0;
  for (auto bin = bins_.rbegin(); bin != bins_.rend(); ++bin) {
    good += as_double(bin->good);
    bad += as_double(bin->bad);
    const RocPoint point{good / as_double(n_good_), bad / as_double(n_bad_)};
    const RocPoint& last = points.back();
    if (point.false_positive_rate - last.false_positive_rate + point.true_positive_rate - last.true_positive_rate >=
        step)
      points.push_back(point);
  }
  if (points.back().false_positive_rate < 1 || points.back().true_positive_rate < 1) points.push_back({1, 1});
  return points;
}

std::vector<CalibrationBin> ScoreHistogram::calibration(std::size_t n) const {
  std::vector<CalibrationBin> result;
  if (n_rows() == 0) return result;
  const double size = as_double(n_rows()) / static_cast<double>(n);
  double rows = 0, p = 0, bad = 0;
  const auto close = [&] {
    result.push_back({p / rows, bad / rows, rows});
    rows = p = bad = 0;
  };
  for (const Bin& bin : bins_) {
    for (double left = as_double(bin.n_rows()); left > 0;) {
      const bool is_last = result.size() + 1 == n;  // takes what rounding leaves over
      const double taken = is_last ? left : std::min(left, size - rows), share = taken / as_double(bin.n_rows());
      rows += taken;
      p += share * as_double(bin.p_sum) / kUnits;
      bad += share * as_double(bin.bad);
      left -= taken;
      if (rows >= size && !is_last) close();
    }
  }
  if (rows > 0) close();
  return result;
}

double ScoreHistogram::calibration_error(std::size_t n) const {
  if (n_rows() == 0) return kNone;
  double error = 0;
  for (const CalibrationBin& bin : calibration(n)) error += bin.n_rows * std::abs(bin.mean_p - bin.bad_rate);
  return error / as_double(n_rows());
}

double population_stability_index(const ScoreHistogram& expected, const ScoreHistogram& actual) {
  constexpr std::size_t kDeciles = 10;
  if (expected.n_rows() == 0 || actual.n_rows() == 0) return kNone;
  std::vector<double> e(1), a(1);
  double seen = 0;
  for (std::size_t b = 0; b < expected.bins().size(); ++b) {
    seen += as_double(expected.bins()[b].n_rows());
    e.back() += as_double(expected.bins()[b].n_rows());
    a.back() += as_double(actual.bins()[b].n_rows());
    const bool is_full =
        e.back() > 0 && seen * kDeciles >= as_double(expected.n_rows()) * static_cast<double>(e.size());
    if (!is_full || seen == as_double(expected.n_rows())) continue;
    e.push_back(0);
    a.push_back(0);
  }
  const double smoothed = 0.5 * static_cast<double>(e.size());
  double index = 0;
  for (std::size_t d = 0; d < e.size(); ++d) {
    const double share_e = (e[d] + 0.5) / (as_double(expected.n_rows()) + smoothed),
                 share_a = (a[d] + 0.5) / (as_double(actual.n_rows()) + smoothed);
    index += (share_a - share_e) * std::log(share_a / share_e);
  }
  return index;
}

}  // namespace sluice::backtest
