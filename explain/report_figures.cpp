#include "sluice/explain/report_figures.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "sluice/base/number.h"
#include "sluice/explain/report_facts.h"
#include "sluice/report/html_text.h"
#include "sluice/report/numbers.h"
#include "sluice/report/svg.h"

namespace sluice::explain {
namespace {

constexpr double kWidth = 920;
constexpr std::size_t kLargest = 10;

using Anchor = Svg::Anchor;

struct Scale {
  double low, high, left, right;
  double operator()(double value) const { return left + (value - low) / (high - low) * (right - left); }
};

struct Bar {
  std::string label;
  double phi = 0, error = 0;
};

std::vector<Bar> bars_of(const Schema& schema, const Explanation& e) {
  const auto columns = by_size(*e.attribution);
  std::vector<Bar> bars;
  Bar other;  // without an error: the errors of sampled values are not independent
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::size_t c = columns[i];
    const double phi = e.attribution->phi[c];
    if (i >= kLargest) {
      other.phi += phi;
      continue;
    }
    const std::string value = clipped(display_cell(schema, c, e.row[c]), 16);
    bars.push_back({clipped(schema[c].name, 22) + " <tspan class=\"muted\">= " + value + "</tspan>", phi,
                    e.attribution->standard_error[c]});
  }
  other.label = std::to_string(columns.size() - bars.size()) + " other columns";
  if (columns.size() > kLargest) bars.push_back(other);
  return bars;
}

class Waterfall {
 public:
  Waterfall(const std::vector<Bar>& bars, const Attribution& a, const cascade::Platt& link)
      : bars_(bars), a_(a), link_(link), x_(scale_of(bars, a)) {}

  std::string draw() {
    const double bottom = kTop + kRow * static_cast<double>(bars_.size() + 2);
    draw_axes(bottom);
    double sum = a_.base, y = kTop;
    draw_total("base value", a_.base, y);
    for (const Bar& bar : bars_) {
      y += kRow;
      draw_bar(bar, sum, y);
      sum += bar.phi;
    }
    draw_total("this request", a_.output, y + kRow);
    return svg_.finish(bottom + 52);
  }

 private:
  static constexpr double kTop = 32, kRow = 27, kLeft = 300, kRight = kWidth - 84;

  static Scale scale_of(const std::vector<Bar>& bars, const Attribution& a) {
    double low = std::min(a.base, a.output), high = std::max(a.base, a.output), sum = a.base;
    for (const Bar& bar : bars) {
      sum += bar.phi;
      low = std::min(low, sum);
      high = std::max(high, sum);
    }
    const double margin = std::max(0.06 * (high - low), 0.05);
    return {low - margin, high + margin, kLeft, kRight};
  }

  void draw_axes(double bottom) {
    svg_.text(kLeft - 14, 14, Anchor::end, "log-odds", "muted");
    svg_.text(kLeft - 14, bottom + 22, Anchor::end, "probability", "muted");
    const auto ticks = nice_ticks(x_.low, x_.high, 7);
    const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 1;
    const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 6);
    for (const double tick : ticks) {
      svg_.line(x_(tick), 24, x_(tick), bottom, "stroke:var(--line)");
      svg_.text(x_(tick), 14, Anchor::middle, decimal(tick, decimals), "muted");
    }
    svg_.line(kLeft, bottom, kRight, bottom, "stroke:var(--muted)");
    double last = -1e9;
    for (const double p :
         {0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2,  0.25, 0.3,  0.35, 0.4,   0.45, 0.5,
          0.55,  0.6,   0.65, 0.7,  0.75, 0.8,  0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999}) {
      const double x = x_((logit(p) - link_.intercept) / link_.slope);
      if (x < kLeft || x > kRight || x - last < 46) continue;
      svg_.line(x, bottom, x, bottom + 6, "stroke:var(--muted)");
      svg_.text(x, bottom + 22, Anchor::middle, number_text(p), "muted");
      last = x;
    }
  }

  void draw_total(std::string_view label, double value, double y) {
    svg_.text(kLeft - 14, y + 18, Anchor::end, label);
    svg_.line(x_(value), y + 2, x_(value), y + kRow - 2, "stroke:var(--ink);stroke-width:3");
    svg_.markup_text(x_(value) + 8, y + 18, Anchor::start,
                     "<tspan style=\"font-weight:650\">" + decimal(value, 3) + "</tspan><tspan class=\"muted\">  p " +
                         decimal(sigmoid(link_.slope * value + link_.intercept), 3) + "</tspan>");
  }

  void draw_bar(const Bar& bar, double sum, double y) {
    const double from = x_(sum), to = x_(sum + bar.phi), left = std::min(from, to),
                 width = std::max(1.0, std::abs(to - from));
    svg_.line(from, y - 4, from, y + 4, "stroke:var(--muted);stroke-dasharray:2 2");
    svg_.markup_text(kLeft - 14, y + 18, Anchor::end, bar.label);
    svg_.rectangle(left, y + 4, width, kRow - 8, bar.phi > 0 ? "fill:var(--up)" : "fill:var(--down)", 2);
    std::string label = signed_decimal(bar.phi, 3);
    if (bar.error > 0) label += "<tspan class=\"muted\"> ±" + decimal(bar.error, 3) + "</tspan>";
    svg_.markup_text(left + width + 6, y + 18, Anchor::start, label);
  }

  const std::vector<Bar>& bars_;
  const Attribution& a_;
  cascade::Platt link_;
  Scale x_;
  Svg svg_{kWidth, "Waterfall of contributions from the base value to this request"};
};

/// A horizontal probability scale from 0 to 1 with coloured intervals and the request's marker.
class Track {
 public:
  Track(Svg& svg, double y) : svg_(svg), y_(y) {
    svg_.rectangle(kLeft, y_, kRight - kLeft, kHeight, "fill:var(--soft)");
  }

  void stretch(double from, double to, const std::string& fill, std::string_view label) {
    from = std::clamp(from, 0.0, 1.0);
    to = std::clamp(to, 0.0, 1.0);
    if (!(from < to)) return;
    svg_.rectangle(x_(from), y_, x_(to) - x_(from), kHeight, "fill:" + fill);
    if (x_(to) - x_(from) > 8.0 * static_cast<double>(label.size()))
      svg_.text((x_(from) + x_(to)) / 2, y_ + 19, Anchor::middle, label, "muted");
  }
  /// Writes the numbers of two edges, side by side if the edges are close.
  void edges(double low, double high) {
    const bool is_close = high - low < 0.07;
    edge(low, is_close && low < high ? Anchor::end : Anchor::middle);
    if (low < high) edge(high, is_close ? Anchor::start : Anchor::middle);
  }
  void marker(std::string_view name, double p) {
    const double x = x_(std::clamp(p, 0.0, 1.0));
    svg_.path("M" + svg_pixels(x) + " " + svg_pixels(y_ + 3) + "l-6 -10h12z", "fill:var(--ink)");
    svg_.line(x, y_, x, y_ + kHeight, "stroke:var(--ink);stroke-width:2");
    svg_.markup_text(std::clamp(x, kLeft + 60, kRight - 60), y_ - 12, Anchor::middle,
                     std::string(name) + " <tspan style=\"font-weight:650\">" + decimal(p, 4) + "</tspan>");
  }
  void title(std::string_view first, std::string_view second) {
    svg_.text(kLeft - 14, y_ + 12, Anchor::end, first);
    svg_.text(kLeft - 14, y_ + 27, Anchor::end, second, "muted");
  }

  static constexpr double kHeight = 28;

 private:
  void edge(double p, Anchor anchor) {
    if (p < 0 || p > 1) return;
    svg_.line(x_(p), y_, x_(p), y_ + kHeight + 5, "stroke:var(--muted)");
    svg_.text(x_(p), y_ + kHeight + 18, anchor, number_text(std::round(p * 1e4) / 1e4), "muted");
  }

  static constexpr double kLeft = 190, kRight = kWidth - 30;
  static constexpr Scale x_{0, 1, kLeft, kRight};
  Svg& svg_;
  double y_;
};

}  // namespace

std::string clipped(std::string_view text, std::size_t max_characters) {
  std::size_t n = 0, end = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (starts && n++ == max_characters) return escape_html(text.substr(0, end)) + "…";
    if (starts && n == max_characters) end = i;  // the last character begins here; the ellipsis replaces it
  }
  return escape_html(text);
}

std::string waterfall(const cascade::Bundle& bundle, const Explanation& e) {
  const auto bars = bars_of(bundle.schema, e);
  return Waterfall(bars, *e.attribution, link_of(bundle, *e.attribution, e.decision)).draw();
}

std::string band_label(const cascade::Band& band) {
  return std::string("band: forwarded to the network") + (band.min_gain ? " if a gain is expected" : "");
}

std::string threshold_tracks(const cascade::Bundle& bundle, const cascade::Decision& d) {
  Svg svg(kWidth, "The request's probabilities relative to band edges and cut-offs");
  double y = 30;
  if (const auto& band = bundle.policy.band) {
    Track track(svg, y);
    track.stretch(band->low, band->high, "var(--band)", band_label(*band));
    track.edges(band->low, band->high);
    track.marker("forest", d.forest.p);
    track.title("Routing", "forest's probability");
    y += 84;
  }
  const auto& cutoffs = cutoffs_of(bundle, d);
  Track track(svg, y);
  track.stretch(0, cutoffs.approve_below, "#e4f0e7", "approve");
  track.stretch(cutoffs.approve_below, cutoffs.decline_from, "#f7efdd",
                cutoffs.otherwise == rules::Action::review ? "review" : rules::to_string(cutoffs.otherwise));
  track.stretch(cutoffs.decline_from, 1, "#f6e2dd", "decline");
  track.edges(cutoffs.approve_below, cutoffs.decline_from);
  track.marker("final", d.p_final);
  track.title("Action", std::string("final probability, ") + to_string(d.level));
  return svg.finish(y + 54);
}

}  // namespace sluice::explain
