#include "sluice/report/svg.h"

#include <cstdio>

#include "sluice/report/html_text.h"

namespace sluice {
namespace {

std::string attribute(const char* name, std::string_view value) {
  return value.empty() ? std::string() : std::string(" ") + name + "=\"" + std::string(value) + "\"";
}
std::string attribute(const char* name, double value) { return attribute(name, svg_pixels(value)); }

std::string_view word(Svg::Anchor anchor) {
  return anchor == Svg::Anchor::start ? "" : anchor == Svg::Anchor::middle ? "middle" : "end";
}

/// Closes an element that may hold a title.
std::string close(const char* element, std::string_view title) {
  return title.empty() ? "/>\n" : "><title>" + escape_html(title) + "</title></" + element + ">\n";
}

}  // namespace

std::string svg_pixels(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

Svg::Svg(double width, std::string_view description) : width_(width), description_(description) {}

void Svg::line(double x0, double y0, double x1, double y1, std::string_view style) {
  body_ += "<line" + attribute("x1", x0) + attribute("y1", y0) + attribute("x2", x1) + attribute("y2", y1) +
           attribute("style", style) + "/>\n";
}

void Svg::rectangle(double x, double y, double width, double height, std::string_view style, double radius,
                    std::string_view title) {
  body_ += "<rect" + attribute("x", x) + attribute("y", y) + attribute("width", width) + attribute("height", height) +
           (radius > 0 ? attribute("rx", radius) : std::string()) + attribute("style", style) + close("rect", title);
}

void Svg::circle(double x, double y, double radius, std::string_view style, std::string_view title) {
  body_ += "<circle" + attribute("cx", x) + attribute("cy", y) + attribute("r", radius) + attribute("style", style) +
           close("circle", title);
}

void Svg::path(std::string_view commands, std::string_view style) {
  body_ += "<path" + attribute("d", commands) + attribute("style", style) + "/>\n";
}

void Svg::text(double x, double y, Anchor anchor, std::string_view label, std::string_view css_class,
               std::string_view style) {
  markup_text(x, y, anchor, escape_html(label), css_class, style);
}

void Svg::markup_text(double x, double y, Anchor anchor, std::string_view markup, std::string_view css_class,
                      std::string_view style) {
  body_ += "<text" + attribute("x", x) + attribute("y", y) + attribute("text-anchor", word(anchor)) +
           attribute("class", css_class) + attribute("style", style) + ">" + std::string(markup) + "</text>\n";
}

void Svg::upright_text(double x, double y, std::string_view label, std::string_view css_class) {
  body_ += "<text" + attribute("class", css_class) + " transform=\"translate(" + svg_pixels(x) + " " + svg_pixels(y) +
           ") rotate(-90)\" text-anchor=\"middle\">" + escape_html(label) + "</text>\n";
}

std::string Svg::finish(double height) const {
  return "<svg viewBox=\"0 0 " + svg_pixels(width_) + " " + svg_pixels(height) + "\" role=\"img\"" +
         attribute("aria-label", escape_html(description_)) + ">\n" + body_ + "</svg>\n";
}

}  // namespace sluice
