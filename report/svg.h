#pragma once
/// One inline <svg> element, mark by mark in the order of the calls.
///
/// Coordinates are pixels of the view box. Styles are CSS declarations ("stroke:var(--ink);stroke-width:2"). Labels and
/// titles are escaped here; what takes `markup` is written as it is.
///
/// Thread-safety: one thread at a time per object.

#include <string>
#include <string_view>

namespace sluice {

/// Pixels to a tenth: enough for the eye, and small.
std::string svg_pixels(double value);

class Svg {
 public:
  enum class Anchor { start, middle, end };

  /// `description` is what a screen reader says.
  Svg(double width, std::string_view description);

  void line(double x0, double y0, double x1, double y1, std::string_view style);
  void rectangle(double x, double y, double width, double height, std::string_view style, double radius = 0,
                 std::string_view title = {});
  void circle(double x, double y, double radius, std::string_view style, std::string_view title = {});
  /// `commands` as the attribute d has them.
  void path(std::string_view commands, std::string_view style);
  void text(double x, double y, Anchor anchor, std::string_view label, std::string_view css_class = {},
            std::string_view style = {});
  void markup_text(double x, double y, Anchor anchor, std::string_view markup, std::string_view css_class = {},
                   std::string_view style = {});
  /// Text that runs upwards, its middle at the point.
  void upright_text(double x, double y, std::string_view label, std::string_view css_class = {});

  std::string finish(double height) const;

 private:
  double width_;
  std::string description_, body_;
};

}  // namespace sluice
