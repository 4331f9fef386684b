#pragma once
/// Small pieces that the HTML reports share: escaped text, round axis ticks, one style. Pages are static: no script,
/// nothing loaded.

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// Text for element content and quoted attributes. Control characters become U+FFFD.
std::string escape_html(std::string_view text);

/// About `n` round numbers (1, 2 or 5 times a power of ten apart), all within [lo, hi]. Empty where lo >= hi or either
/// is not finite.
std::vector<double> nice_ticks(double lo, double hi, int n);

/// The reports' common CSS, for one <style> element: system fonts, dark on white, printable. Colours are custom
/// properties of :root.
std::string_view report_style();

/// "<!doctype html>" to "<body>", with the common style and then `extra_css`; `title` is escaped here.
std::string html_head(std::string_view title, std::string_view extra_css = {});

}  // namespace sluice
