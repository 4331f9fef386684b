#pragma once
/// Small pieces that the HTML reports share: escaped text, round axis ticks, one style. Pages are static: they have no
/// scripts and load nothing.
/// Thread-safety: functions are thread-safe; an HtmlTable must be used by one thread at a time.

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// Text for element content and quoted attributes. Control characters become U+FFFD.
std::string escape_html(std::string_view text);

/// About `n` round numbers (1, 2 or 5 times a power of ten apart), all within [lo, hi]. Empty if lo >= hi or either is
/// not finite.
std::vector<double> nice_ticks(double lo, double hi, int n);

/// The reports' common CSS, for one <style> element: system fonts, dark on white, printable. Colours are custom
/// properties of :root.
std::string_view report_style();

/// "<!doctype html>" to "<body>", with the common style and then `extra_css`. `title` is escaped here.
std::string html_head(std::string_view title, std::string_view extra_css = {});

// These escape their texts.
std::string html_heading(std::string_view text);
std::string html_paragraph(std::string_view text, std::string_view css_class = {});
std::string html_tile(std::string_view value, std::string_view name);  // for a <div class="tiles">

/// A table whose first column is text and whose others are numbers. Cells are escaped here.
class HtmlTable {
 public:
  explicit HtmlTable(const std::vector<std::string>& heads);
  HtmlTable& row(const std::vector<std::string>& cells, bool is_main = false);  // main: class "main"
  std::string finish() const { return text_ + "</tbody></table>\n"; }

 private:
  std::string text_;
};

}  // namespace sluice
