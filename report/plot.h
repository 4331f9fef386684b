#pragma once
/// A plot area with axes, and marks placed by value. Not installed.
///
/// Thread-safety: one thread at a time per object.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/report/svg.h"

namespace sluice {

struct PlotPoint {
  double x = 0, y = 0;
};

struct PlotRange {
  double low = 0, high = 1;

  double place(double value) const { return (std::clamp(value, low, high) - low) / (high - low); }
};

/// Marks are drawn in the order of the calls. Coordinates are values of the ranges; sizes are pixels of the view box.
class Plot {
 public:
  /// `description` is what a screen reader says.
  Plot(double width, double height, PlotRange x, PlotRange y, std::string_view description);

  struct Margins {
    double left = 52, right = 14, top = 14, bottom = 40;
  };
  void set_margins(const Margins& margins) { margins_ = margins; }

  void x_tick(double value, std::string_view label, bool has_line = false);
  void y_tick(double value, std::string_view label);
  void titles(std::string_view x, std::string_view y);
  void line(const std::vector<PlotPoint>& points, std::string_view colour, double thickness = 2,
            bool is_dashed = false);
  void area(const std::vector<PlotPoint>& points, std::string_view colour, double opacity);  // down to the lower edge
  void dot(PlotPoint at, std::string_view colour, double radius = 3, std::string_view title = {});
  void rectangle(PlotPoint low, PlotPoint high, std::string_view colour, double opacity = 1,
                 std::string_view title = {});
  void vertical(double x, std::string_view colour, std::string_view label, double label_row = 0);
  void text(PlotPoint at, std::string_view label, Svg::Anchor anchor = Svg::Anchor::start, double dx = 0, double dy = 0,
            std::string_view css_class = {});
  /// Names and colours in a row above the plot.
  void legend(const std::vector<std::pair<std::string, std::string>>& entries);

  std::string finish();

 private:
  double x_of(double value) const;
  double y_of(double value) const;
  std::string path(const std::vector<PlotPoint>& points) const;

  double width_, height_;
  PlotRange x_, y_;
  Margins margins_;
  Svg svg_;
};

}  // namespace sluice
