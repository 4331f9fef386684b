#include "sluice/backtest/charts.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "sluice/backtest/svg.h"
#include "sluice/base/html_text.h"
#include "sluice/base/number.h"

namespace sluice::backtest {
namespace {

constexpr double kHalf = 450, kWide = 924;  // widths in pixels of the page
constexpr const char* kGood = "var(--down)";
constexpr const char* kBad = "var(--up)";

const char* colour_of(std::string_view way) { return way == "cascade" ? "var(--accent)" : way == "forest" ? "#8b95a5" : "#c98a2b"; }

std::string shortest(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

void rate_ticks(Plot& plot, Range x, Range y, int n = 5) {
  for (const double tick : nice_ticks(x.low, x.high, n)) plot.x_tick(tick, percent(tick, 0));
  for (const double tick : nice_ticks(y.low, y.high, n)) plot.y_tick(tick, percent(tick, y.high < 0.1 ? 1 : 0));
}

/// Probabilities that read well on an axis of log-odds.
void logit_ticks(Plot& plot, double low, double high) {
  constexpr double kNice[] = {1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999};
  double last = -1e9;
  for (const double p : kNice) {
    const double at = logit(p);
    if (at < low || at > high || at - last < (high - low) / 14) continue;
    plot.x_tick(at, shortest(100 * p) + " %");
    last = at;
  }
}

}  // namespace

std::string decimal(double value, int decimals) {
  if (!std::isfinite(value)) return "–";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string percent(double share, int decimals) { return std::isfinite(share) ? decimal(100 * share, decimals) + " %" : "–"; }

std::string count(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string roc_chart(const Report& report) {
  Plot plot(kHalf, 380, {}, {}, "ROC curves of the ways to decide");
  plot.set_margins({.top = 28});
  rate_ticks(plot, {}, {});
  plot.titles("good rows ranked above the threshold", "bad rows caught");
  plot.line({{0, 0}, {1, 1}}, "var(--line)", 1.5, true);
  std::vector<std::pair<std::string, std::string>> entries;
  for (const char* name : {"forest", "network", "cascade"}) {  // the cascade on top
    const Way* way = report.way(name);
    if (!way) continue;
    std::vector<Point> points;
    for (const RocPoint& point : way->roc) points.push_back({point.false_positive_rate, point.true_positive_rate});
    plot.line(points, colour_of(name), way->name == "cascade" ? 2.2 : 1.7);
    entries.emplace_back(std::string(name) + " " + decimal(way->figures.auc, 4), colour_of(name));
  }
  plot.legend(entries);
  return plot.finish();
}

std::string calibration_chart(const Report& report) {
  double most = 0.02;
  for (const Way& way : report.ways)
    for (const CalibrationBin& bin : way.calibration) most = std::max({most, bin.mean_p, bin.bad_rate});
  const Range range{0, std::min(1.0, most * 1.05)};
  Plot plot(kHalf, 380, range, range, "Observed bad rate against predicted probability");
  plot.set_margins({.top = 28});
  rate_ticks(plot, range, range);
  plot.titles("mean predicted probability", "observed bad rate");
  plot.line({{0, 0}, {range.high, range.high}}, "var(--line)", 1.5, true);
  std::vector<std::pair<std::string, std::string>> entries;
  for (const char* name : {"forest", "network", "cascade"}) {
    const Way* way = report.way(name);
    if (!way) continue;
    std::vector<Point> points;
    for (const CalibrationBin& bin : way->calibration) points.push_back({bin.mean_p, bin.bad_rate});
    plot.line(points, colour_of(name), way->name == "cascade" ? 2.0 : 1.4);
    for (const CalibrationBin& bin : way->calibration)
      plot.dot({bin.mean_p, bin.bad_rate}, colour_of(name), way->name == "cascade" ? 3 : 2.2, percent(bin.mean_p, 2) + " predicted, " + percent(bin.bad_rate, 2) + " seen");
    entries.emplace_back(name, colour_of(name));
  }
  plot.legend(entries);
  return plot.finish();
}

std::string score_chart(const Report& report) {
  if (report.scores.empty()) return {};
  const Range x{report.scores.front().logit_low, report.scores.back().logit_high};
  double n_good = 0, n_bad = 0, tallest = 0;
  for (const HistogramBar& bar : report.scores) n_good += static_cast<double>(bar.good), n_bad += static_cast<double>(bar.bad);
  const auto share = [](std::uint64_t n, double whole) { return whole > 0 ? static_cast<double>(n) / whole : 0.0; };
  for (const HistogramBar& bar : report.scores) tallest = std::max({tallest, share(bar.good, n_good), share(bar.bad, n_bad)});
  const Range y{0, std::max(tallest * 1.3, 1e-9)};
  Plot plot(kWide, 300, x, y, "Distribution of the forest's probability, good and bad rows, with band and cut-offs");
  plot.set_margins({.top = 28});
  if (report.band) plot.rectangle({logit(report.band->low), 0}, {logit(report.band->high), y.high}, "var(--band)", 1, "band: forwarded to the network");
  for (const double tick : nice_ticks(0, y.high, 4)) plot.y_tick(tick, percent(tick, y.high < 0.1 ? 1 : 0));
  logit_ticks(plot, x.low, x.high);
  plot.titles("forest's probability (log-odds scale)", "share of class");
  std::vector<Point> good, bad;
  for (const HistogramBar& bar : report.scores) {
    const double at = (bar.logit_low + bar.logit_high) / 2;
    good.push_back({at, share(bar.good, n_good)});
    bad.push_back({at, share(bar.bad, n_bad)});
  }
  plot.area(good, kGood, 0.25);
  plot.line(good, kGood, 1.8);
  plot.area(bad, kBad, 0.22);
  plot.line(bad, kBad, 1.8);
  plot.vertical(logit(report.level0.approve_below), "var(--ok)", "approve below " + shortest(report.level0.approve_below));
  plot.vertical(logit(report.level0.decline_from), "var(--up)", "decline from " + shortest(report.level0.decline_from), 1);
  std::vector<std::pair<std::string, std::string>> entries = {{"good", kGood}, {"bad", kBad}};
  if (report.band) entries.emplace_back("band " + shortest(report.band->low) + " to " + shortest(report.band->high) + ": goes to the network", "var(--band)");
  plot.legend(entries);
  return plot.finish();
}

std::string cost_chart(const Report& report) {
  double most = 1e-12;
  for (const Way& way : report.ways) most = std::max(most, way.figures.cost);
  const double n = static_cast<double>(report.ways.size());
  Plot plot(kWide, 30 + 42 * n, {0, most * 1.18}, {0, n}, "Expected cost of a row, by way to decide");
  plot.set_margins({.left = 190, .top = 4, .bottom = 8});
  double row = n;
  for (const char* name : {"forest", "cascade", "network"}) {
    const Way* way = report.way(name);
    if (!way) continue;
    row -= 1;
    const double cost = way->figures.cost;
    plot.rectangle({0, row + 0.2}, {cost, row + 0.8}, colour_of(name), 0.9);
    plot.text({0, row + 0.5}, way->name == "forest" ? "forest alone" : way->name == "network" ? "network for everybody" : "cascade", "end", -10, 4);
    plot.text({cost, row + 0.5}, decimal(cost, 4), "start", 8, 4);
  }
  return plot.finish();
}

std::string drift_chart(const SliceTable& table) {
  std::vector<const SliceReport*> slices;
  for (const SliceReport& slice : table.slices)
    if (slice.name.front() != '(') slices.push_back(&slice);
  if (slices.size() < 2) return {};
  const Range x{-0.5, static_cast<double>(slices.size()) - 0.5};
  const std::size_t every = (slices.size() + 9) / 10;
  const auto panel = [&](const char* title, double height, Range y, const char* colour, auto value, bool is_bars, int decimals, bool is_last) {
    Plot plot(kWide, height, x, y, title);
    plot.set_margins({.top = 24, .bottom = is_last ? 30.0 : 8.0});
    for (const double tick : nice_ticks(y.low, y.high, 3)) plot.y_tick(tick, decimals < 0 ? percent(tick, y.high < 0.1 ? 1 : 0) : decimal(tick, decimals));
    if (is_last)
      for (std::size_t s = 0; s < slices.size(); s += every) plot.x_tick(static_cast<double>(s), slices[s]->name);
    std::vector<Point> points;
    for (std::size_t s = 0; s < slices.size(); ++s) points.push_back({static_cast<double>(s), value(*slices[s])});
    for (const Point& point : points) {
      const std::string label = slices[static_cast<std::size_t>(point.x)]->name + ": " + decimal(point.y, 4);
      if (is_bars && std::isfinite(point.y)) plot.rectangle({point.x - 0.3, 0}, {point.x + 0.3, point.y}, colour, 0.85, label);
    }
    if (!is_bars) plot.line(points, colour);
    if (!is_bars && slices.size() <= 60)
      for (const Point& point : points) plot.dot(point, colour, 3, slices[static_cast<std::size_t>(point.x)]->name + ": " + decimal(point.y, 4));
    plot.legend({{title, colour}});
    return plot.finish();
  };
  const auto most_of = [&](auto value, double least) {
    for (const auto* slice : slices) least = std::isfinite(value(*slice)) ? std::max(least, value(*slice)) : least;
    return least * 1.1;
  };
  double lowest = 1, highest = 0.5;
  for (const auto* slice : slices)
    if (std::isfinite(slice->auc)) lowest = std::min(lowest, slice->auc), highest = std::max(highest, slice->auc);
  const auto auc = [](const SliceReport& s) { return s.auc; };
  const auto bad_rate = [](const SliceReport& s) { return s.bad_rate; };
  const auto forward_rate = [](const SliceReport& s) { return s.forward_rate; };
  const auto psi = [](const SliceReport& s) { return s.psi; };
  const Range auc_range{std::max(0.0, std::min(lowest, highest) - 0.03), std::min(1.0, highest + 0.03)};
  return panel("AUC of the cascade", 140, auc_range, colour_of("cascade"), auc, false, 2, false) +
         panel("bad rate", 120, {0, most_of(bad_rate, 0.001)}, kBad, bad_rate, false, -1, false) +
         panel("share forwarded", 120, {0, most_of(forward_rate, 0.01)}, colour_of("network"), forward_rate, false, -1, false) +
         panel("PSI against the first slice", 140, {0, most_of(psi, 0.1)}, colour_of("forest"), psi, true, 2, true);
}

}  // namespace sluice::backtest
