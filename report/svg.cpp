#include "sluice/report/svg.h"

#include <cmath>
#include <cstdio>

#include "sluice/report/html_text.h"

namespace sluice::backtest {
namespace {

/// Pixels to a tenth: precise enough to look smooth, and short.
std::string px(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string attribute(const char* name, std::string_view value) {
  return std::string(" ") + name + "=\"" + std::string(value) + "\"";
}
std::string attribute(const char* name, double value) { return attribute(name, px(value)); }

std::string title_element(std::string_view title) {
  return title.empty() ? std::string() : "<title>" + escape_html(title) + "</title>";
}

}  // namespace

Plot::Plot(double width, double height, Range x, Range y, std::string_view description)
    : width_(width), height_(height), x_(x), y_(y), description_(description) {}

double Plot::x_of(double value) const {
  return margins_.left + x_.place(value) * (width_ - margins_.left - margins_.right);
}
double Plot::y_of(double value) const {
  return height_ - margins_.bottom - y_.place(value) * (height_ - margins_.top - margins_.bottom);
}

void Plot::x_tick(double value, std::string_view label, bool has_line) {
  const double x = x_of(value), bottom = height_ - margins_.bottom;
  body_ += "<line" + attribute("x1", x) + attribute("x2", x) + attribute("y1", has_line ? margins_.top : bottom) +
           attribute("y2", bottom + 4) + " stroke=\"var(--line)\"/>";
  body_ += "<text class=\"muted\"" + attribute("x", x) + attribute("y", bottom + 17) + " text-anchor=\"middle\">" +
           escape_html(label) + "</text>\n";
}

void Plot::y_tick(double value, std::string_view label) {
  const double y = y_of(value);
  body_ += "<line" + attribute("x1", margins_.left) + attribute("x2", width_ - margins_.right) + attribute("y1", y) +
           attribute("y2", y) + " stroke=\"var(--line)\"/>";
  body_ += "<text class=\"muted\"" + attribute("x", margins_.left - 7) + attribute("y", y + 4) +
           " text-anchor=\"end\">" + escape_html(label) + "</text>\n";
}

void Plot::titles(std::string_view x, std::string_view y) {
  const double middle = margins_.top + (height_ - margins_.top - margins_.bottom) / 2;
  body_ += "<text class=\"muted\"" + attribute("x", (margins_.left + width_ - margins_.right) / 2) +
           attribute("y", height_ - 5) + " text-anchor=\"middle\">" + escape_html(x) + "</text>";
  if (!y.empty())
    body_ += "<text class=\"muted\" transform=\"translate(12 " + px(middle) +
             ") rotate(-90)\" text-anchor=\"middle\">" + escape_html(y) + "</text>\n";
}

void Plot::path(const std::vector<Point>& points) {
  char command = 'M';
  for (const Point& point : points) {
    if (!std::isfinite(point.y)) {
      // A gap in the line.
      command = 'M';
      continue;
    }
    body_ += command + px(x_of(point.x)) + " " + px(y_of(point.y));
    command = 'L';
  }
}

void Plot::line(const std::vector<Point>& points, std::string_view colour, double thickness, bool is_dashed) {
  body_ += "<path d=\"";
  path(points);
  body_ += "\" fill=\"none\" stroke-linejoin=\"round\"" + attribute("stroke", colour) +
           attribute("stroke-width", thickness) + (is_dashed ? " stroke-dasharray=\"5 4\"" : "") + "/>\n";
}

void Plot::area(const std::vector<Point>& points, std::string_view colour, double opacity) {
  if (points.empty()) return;
  body_ += "<path d=\"";
  path(points);
  body_ += "L" + px(x_of(points.back().x)) + " " + px(y_of(y_.low)) + "L" + px(x_of(points.front().x)) + " " +
           px(y_of(y_.low)) + "Z\"" + attribute("fill", colour) + " fill-opacity=\"" +
           std::to_string(opacity).substr(0, 4) + "\"/>\n";
}

void Plot::dot(Point at, std::string_view colour, double radius, std::string_view title) {
  if (!std::isfinite(at.y)) return;
  body_ += "<circle" + attribute("cx", x_of(at.x)) + attribute("cy", y_of(at.y)) + attribute("r", radius) +
           attribute("fill", colour) + ">" + title_element(title) + "</circle>\n";
}

void Plot::rectangle(Point low, Point high, std::string_view colour, double opacity, std::string_view title) {
  const double x = x_of(low.x), y = y_of(high.y);
  body_ += "<rect" + attribute("x", x) + attribute("y", y) + attribute("width", x_of(high.x) - x) +
           attribute("height", y_of(low.y) - y) + attribute("fill", colour) + " fill-opacity=\"" +
           std::to_string(opacity).substr(0, 4) + "\">" + title_element(title) + "</rect>\n";
}

void Plot::vertical(double x, std::string_view colour, std::string_view label, double label_row) {
  const double at = x_of(x);
  const bool is_right = at > width_ - margins_.right - 120;
  body_ += "<line" + attribute("x1", at) + attribute("x2", at) + attribute("y1", margins_.top) +
           attribute("y2", height_ - margins_.bottom) + attribute("stroke", colour) +
           " stroke-width=\"1.5\" stroke-dasharray=\"4 3\"/>";
  body_ += "<text" + attribute("x", at + (is_right ? -5 : 5)) + attribute("y", margins_.top + 12 + 15 * label_row) +
           attribute("text-anchor", is_right ? "end" : "start") + " style=\"fill:" + std::string(colour) + "\">" +
           escape_html(label) + "</text>\n";
}

void Plot::text(Point at, std::string_view label, std::string_view anchor, double dx, double dy,
                std::string_view css_class) {
  body_ += "<text" + attribute("x", x_of(at.x) + dx) + attribute("y", y_of(at.y) + dy) +
           attribute("text-anchor", anchor) + (css_class.empty() ? std::string() : attribute("class", css_class)) +
           ">" + escape_html(label) + "</text>\n";
}

void Plot::legend(const std::vector<std::pair<std::string, std::string>>& entries) {
  double x = margins_.left;
  for (const auto& [name, colour] : entries) {
    body_ += "<rect" + attribute("x", x) + " y=\"5\" width=\"14\" height=\"4\" rx=\"2\"" + attribute("fill", colour) +
             "/><text" + attribute("x", x + 19) + " y=\"12\">" + escape_html(name) + "</text>\n";
    x += 32 + 7.2 * static_cast<double>(name.size());
  }
}

std::string Plot::finish() {
  return "<svg viewBox=\"0 0 " + px(width_) + " " + px(height_) + "\" role=\"img\"" +
         attribute("aria-label", escape_html(description_)) + ">\n" + body_ + "</svg>\n";
}

}  // namespace sluice::backtest
