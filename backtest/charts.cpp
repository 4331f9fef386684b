#include "sluice/backtest/charts.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "sluice/base/number.h"
#include "sluice/report/html_text.h"
#include "sluice/report/numbers.h"
#include "sluice/report/plot.h"

namespace sluice::backtest {
namespace {

using Point = PlotPoint;
using Range = PlotRange;

constexpr double kHalf = 450, kWide = 924;  // widths in pixels of the page
constexpr const char* kGood = "var(--down)";
constexpr const char* kBad = "var(--up)";

const char* colour_of(std::string_view way) {
  return way == "cascade"         ? "var(--accent)"
         : way == "without_rules" ? "#8ea3cf"
         : way == "forest"        ? "#8b95a5"
                                  : "#c98a2b";
}

const char* words_of(std::string_view way) {
  return way == "forest"          ? "forest alone"
         : way == "network"       ? "network for all rows"
         : way == "without_rules" ? "cascade without rules"
                                  : "cascade";
}

std::string shortest(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

void rate_ticks(Plot& plot, Range x, Range y, int n = 5) {
  for (const double tick : nice_ticks(x.low, x.high, n)) plot.x_tick(tick, percent(tick, 0));
  for (const double tick : nice_ticks(y.low, y.high, n)) plot.y_tick(tick, percent(tick, y.high < 0.1 ? 1 : 0));
}

/// Round probabilities for a log-odds axis, not too close to each other.
std::vector<double> nice_odds(Range range) {
  constexpr double kNice[] = {1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1,   0.2,   0.35,
                              0.5,  0.65, 0.8,  0.9,  0.95, 0.99, 0.999, 0.9999};
  std::vector<double> chosen;
  for (const double p : kNice) {
    const bool is_inside = logit(p) >= range.low && logit(p) <= range.high;
    if (is_inside && (chosen.empty() || logit(p) - logit(chosen.back()) > (range.high - range.low) / 14))
      chosen.push_back(p);
  }
  return chosen;
}

std::string probability_label(double p) { return shortest(100 * p) + " %"; }

/// One figure over the slices of time.
struct DriftLine {
  std::string title, colour;
  std::vector<std::string> names;
  std::vector<Point> points;
  double lowest = 1, highest = 0;

  std::string title_at(const Point& point) const {
    return names[static_cast<std::size_t>(point.x)] + ": " + decimal(point.y, 4);
  }
  Range x() const { return {-0.5, static_cast<double>(points.size()) - 0.5}; }
};

DriftLine drift_line(std::string title, const std::vector<const SliceReport*>& slices, double SliceReport::* figure,
                     std::string colour) {
  DriftLine line{.title = std::move(title), .colour = std::move(colour)};
  for (const SliceReport* slice : slices) {
    const double y = slice->*figure;
    line.points.push_back({static_cast<double>(line.points.size()), y});
    line.names.push_back(slice->name);
    if (!std::isfinite(y)) continue;
    line.lowest = std::min(line.lowest, y);
    line.highest = std::max(line.highest, y);
  }
  return line;
}

std::string drift_panel(const DriftLine& line, Range y, bool is_share, int n_decimals = 1) {
  constexpr std::size_t kMaxDots = 60;
  Plot plot(kWide, 130, line.x(), y, line.title);
  plot.set_margins({.left = 66, .top = 24, .bottom = 8});
  for (const double tick : nice_ticks(y.low, y.high, 3))
    plot.y_tick(tick, is_share ? percent(tick, y.high < 0.1 ? 1 : 0) : decimal(tick, n_decimals));
  plot.line(line.points, line.colour);
  if (line.points.size() <= kMaxDots)
    for (const Point& point : line.points) plot.dot(point, line.colour, 3, line.title_at(point));
  plot.legend({{line.title, line.colour}});
  return plot.finish();
}

/// Bars, and the names of the slices below all panels.
std::string psi_panel(const DriftLine& line) {
  const Range y{0, 1.1 * std::max(line.highest, 0.1)};
  Plot plot(kWide, 150, line.x(), y, line.title);
  plot.set_margins({.left = 66, .top = 24, .bottom = 30});
  for (const double tick : nice_ticks(y.low, y.high, 3)) plot.y_tick(tick, decimal(tick, 2));
  const std::size_t every = (line.names.size() + 9) / 10;
  for (std::size_t s = 0; s < line.names.size(); s += every) plot.x_tick(static_cast<double>(s), line.names[s]);
  for (const Point& point : line.points)
    if (std::isfinite(point.y))
      plot.rectangle({point.x - 0.3, 0}, {point.x + 0.3, point.y}, line.colour, 0.85, line.title_at(point));
  plot.legend({{line.title, line.colour}});
  return plot.finish();
}

}  // namespace

std::string roc_chart(const Report& report) {
  Plot plot(kHalf, 380, {}, {}, "ROC curves of the ways to decide");
  plot.set_margins({.left = 66, .right = 22, .top = 28});
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
  double least = 0.5, most = 0.5;
  for (const Way& way : report.ways)
    for (const CalibrationBin& bin : way.calibration) {
      least = std::min(least, bin.mean_p);
      most = std::max({most, bin.mean_p, std::min(bin.bad_rate, 0.995)});
    }
  const Range range{logit(std::max(least, 1e-5)) - 0.4, logit(most) + 0.4};
  Plot plot(kHalf, 380, range, range, "Observed bad rate against predicted probability");
  plot.set_margins({.left = 66, .right = 22, .top = 28});
  for (const double p : nice_odds(range)) {
    plot.x_tick(logit(p), probability_label(p));
    plot.y_tick(logit(p), probability_label(p));
  }
  plot.titles("mean predicted probability", "observed bad rate (log-odds scales)");
  plot.line({{range.low, range.low}, {range.high, range.high}}, "var(--muted)", 1, true);
  std::vector<std::pair<std::string, std::string>> entries;
  for (const char* name : {"forest", "network", "cascade"}) {
    const Way* way = report.way(name);
    if (!way) continue;
    for (const CalibrationBin& bin : way->calibration)
      plot.dot({logit(bin.mean_p), logit(bin.bad_rate)}, colour_of(name), way->name == "cascade" ? 4 : 3,
               percent(bin.mean_p, 2) + " predicted, " + percent(bin.bad_rate, 2) + " observed");
    entries.emplace_back(name, colour_of(name));
  }
  plot.legend(entries);
  return plot.finish();
}

std::string score_chart(const Report& report) {
  if (report.scores.empty()) return {};
  const Range x{report.scores.front().logit_low, report.scores.back().logit_high};
  double n_good = 0, n_bad = 0, tallest = 0;
  for (const HistogramBar& bar : report.scores)
    n_good += static_cast<double>(bar.good), n_bad += static_cast<double>(bar.bad);
  const auto share = [](std::uint64_t n, double whole) { return whole > 0 ? static_cast<double>(n) / whole : 0.0; };
  for (const HistogramBar& bar : report.scores)
    tallest = std::max({tallest, share(bar.good, n_good), share(bar.bad, n_bad)});
  const Range y{0, std::max(tallest * 1.3, 1e-9)};
  Plot plot(kWide, 320, x, y, "Distribution of the forest's probability, good and bad rows, with band and cut-offs");
  plot.set_margins({.left = 66, .top = 28});
  const std::string min_gain =
      report.band && report.band->min_gain ? ", from an expected gain of " + shortest(*report.band->min_gain) : "";
  if (report.band)
    plot.rectangle({logit(report.band->low), 0}, {logit(report.band->high), y.high}, "var(--band)", 1,
                   "band: forwarded to the network" + min_gain);
  for (const double tick : nice_ticks(0, y.high, 4)) plot.y_tick(tick, percent(tick, y.high < 0.1 ? 1 : 0));
  for (const double p : nice_odds(x)) plot.x_tick(logit(p), probability_label(p));
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
  plot.vertical(logit(report.level0.approve_below), "var(--ok)",
                "approve below " + shortest(report.level0.approve_below));
  plot.vertical(logit(report.level0.decline_from), "var(--up)", "decline from " + shortest(report.level0.decline_from),
                1);
  std::vector<std::pair<std::string, std::string>> entries = {{"good", kGood}, {"bad", kBad}};
  if (report.band)
    entries.emplace_back("band " + shortest(report.band->low) + " to " + shortest(report.band->high) +
                             ": forwarded to the network" + min_gain,
                         "#b9c7e3");
  plot.legend(entries);
  return plot.finish();
}

std::string cost_chart(const Report& report) {
  double most = 1e-12;
  for (const Way& way : report.ways) most = std::max(most, way.figures.cost);
  const double n = static_cast<double>(report.ways.size());
  Plot plot(kWide, 30 + 42 * n, {0, most * 1.18}, {0, n}, "Expected cost per row, by way to decide");
  plot.set_margins({.left = 190, .top = 4, .bottom = 8});
  double row = n;
  for (const char* name : {"forest", "cascade", "without_rules", "network"}) {
    const Way* way = report.way(name);
    if (!way) continue;
    row -= 1;
    const double cost = way->figures.cost;
    plot.rectangle({0, row + 0.2}, {cost, row + 0.8}, colour_of(name), 0.9);
    plot.text({0, row + 0.5}, words_of(name), Svg::Anchor::end, -10, 4);
    plot.text({cost, row + 0.5}, decimal(cost, 4), Svg::Anchor::start, 8, 4);
  }
  return plot.finish();
}

std::string drift_chart(const SliceTable& table) {
  std::vector<const SliceReport*> slices;
  for (const SliceReport& slice : table.slices)
    if (slice.name.front() != '(') slices.push_back(&slice);
  if (slices.size() < 2) return {};
  const auto auc = drift_line("AUC of the cascade", slices, &SliceReport::auc, colour_of("cascade"));
  const auto bad_rate = drift_line("bad rate", slices, &SliceReport::bad_rate, kBad),
             forward_rate = drift_line("share forwarded", slices, &SliceReport::forward_rate, colour_of("network"));
  return drift_panel(auc, {std::max(0.0, auc.lowest - 0.03), std::min(1.0, auc.highest + 0.03)}, false, 2) +
         drift_panel(bad_rate, {0, 1.1 * std::max(bad_rate.highest, 0.001)}, true) +
         drift_panel(forward_rate, {0, 1.1 * std::max(forward_rate.highest, 0.01)}, true) +
         psi_panel(drift_line("PSI against the first slice", slices, &SliceReport::psi, colour_of("forest")));
}

}  // namespace sluice::backtest
