#include "sluice/report/plot.h"

#include <cmath>

namespace sluice {
namespace {

using Anchor = Svg::Anchor;

std::string stroke(std::string_view colour, double thickness = 1, std::string_view dashes = {}) {
  std::string style = "stroke:" + std::string(colour);
  if (thickness != 1) style += ";stroke-width:" + svg_pixels(thickness);
  if (!dashes.empty()) style += ";stroke-dasharray:" + std::string(dashes);
  return style;
}

std::string fill(std::string_view colour, double opacity = 1) {
  std::string style = "fill:" + std::string(colour);
  if (opacity < 1) style += ";fill-opacity:" + std::to_string(opacity).substr(0, 4);
  return style;
}

}  // namespace

Plot::Plot(double width, double height, PlotRange x, PlotRange y, std::string_view description)
    : width_(width), height_(height), x_(x), y_(y), svg_(width, description) {}

double Plot::x_of(double value) const {
  return margins_.left + x_.place(value) * (width_ - margins_.left - margins_.right);
}
double Plot::y_of(double value) const {
  return height_ - margins_.bottom - y_.place(value) * (height_ - margins_.top - margins_.bottom);
}

void Plot::x_tick(double value, std::string_view label, bool has_line) {
  const double x = x_of(value), bottom = height_ - margins_.bottom;
  svg_.line(x, has_line ? margins_.top : bottom, x, bottom + 4, stroke("var(--line)"));
  svg_.text(x, bottom + 17, Anchor::middle, label, "muted");
}

void Plot::y_tick(double value, std::string_view label) {
  const double y = y_of(value);
  svg_.line(margins_.left, y, width_ - margins_.right, y, stroke("var(--line)"));
  svg_.text(margins_.left - 7, y + 4, Anchor::end, label, "muted");
}

void Plot::titles(std::string_view x, std::string_view y) {
  svg_.text((margins_.left + width_ - margins_.right) / 2, height_ - 5, Anchor::middle, x, "muted");
  if (!y.empty()) svg_.upright_text(12, margins_.top + (height_ - margins_.top - margins_.bottom) / 2, y, "muted");
}

std::string Plot::path(const std::vector<PlotPoint>& points) const {
  std::string commands;
  char command = 'M';
  for (const PlotPoint& point : points) {
    if (!std::isfinite(point.y)) {
      command = 'M';  // a gap
      continue;
    }
    commands += command + svg_pixels(x_of(point.x)) + " " + svg_pixels(y_of(point.y));
    command = 'L';
  }
  return commands;
}

void Plot::line(const std::vector<PlotPoint>& points, std::string_view colour, double thickness, bool is_dashed) {
  svg_.path(path(points), "fill:none;stroke-linejoin:round;" + stroke(colour, thickness, is_dashed ? "5 4" : ""));
}

void Plot::area(const std::vector<PlotPoint>& points, std::string_view colour, double opacity) {
  if (points.empty()) return;
  const std::string bottom = svg_pixels(y_of(y_.low));
  svg_.path(path(points) + "L" + svg_pixels(x_of(points.back().x)) + " " + bottom + "L" +
                svg_pixels(x_of(points.front().x)) + " " + bottom + "Z",
            fill(colour, opacity));
}

void Plot::dot(PlotPoint at, std::string_view colour, double radius, std::string_view title) {
  if (std::isfinite(at.y)) svg_.circle(x_of(at.x), y_of(at.y), radius, fill(colour), title);
}

void Plot::rectangle(PlotPoint low, PlotPoint high, std::string_view colour, double opacity, std::string_view title) {
  const double x = x_of(low.x), y = y_of(high.y);
  svg_.rectangle(x, y, x_of(high.x) - x, y_of(low.y) - y, fill(colour, opacity), 0, title);
}

void Plot::vertical(double x, std::string_view colour, std::string_view label, double label_row) {
  const double at = x_of(x);
  const bool is_right = at > width_ - margins_.right - 120;
  svg_.line(at, margins_.top, at, height_ - margins_.bottom, stroke(colour, 1.5, "4 3"));
  svg_.text(at + (is_right ? -5 : 5), margins_.top + 12 + 15 * label_row, is_right ? Anchor::end : Anchor::start, label,
            {}, fill(colour));
}

void Plot::text(PlotPoint at, std::string_view label, Anchor anchor, double dx, double dy, std::string_view css_class) {
  svg_.text(x_of(at.x) + dx, y_of(at.y) + dy, anchor, label, css_class);
}

void Plot::legend(const std::vector<std::pair<std::string, std::string>>& entries) {
  double x = margins_.left;
  for (const auto& [name, colour] : entries) {
    svg_.rectangle(x, 5, 14, 4, fill(colour), 2);
    svg_.text(x + 19, 12, Anchor::start, name);
    x += 32 + 7.2 * static_cast<double>(name.size());
  }
}

std::string Plot::finish() { return svg_.finish(height_); }

}  // namespace sluice
