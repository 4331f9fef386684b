#include "sluice/report/html_text.h"

#include <cmath>

namespace sluice {

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\t':
      case '\n':
        out += c;
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
          out += "\xef\xbf\xbd";
        else
          out += c;
    }
  }
  return out;
}

std::vector<double> nice_ticks(double lo, double hi, int n) {
  std::vector<double> ticks;
  if (!(lo < hi) || !std::isfinite(hi - lo) || n < 1) return ticks;
  const double rough = (hi - lo) / n, power = std::pow(10.0, std::floor(std::log10(rough))), share = rough / power;
  const double step = power * (share <= 1.0 ? 1 : share <= 2.0 ? 2 : share <= 5.0 ? 5 : 10);
  for (double k = std::ceil(lo / step - 1e-9); k * step <= hi + 1e-9 * step; ++k)
    ticks.push_back(k == 0 ? 0.0 : k * step);
  return ticks;
}

std::string_view report_style() {
  return R"(:root{--ink:#1d2433;--muted:#5d6779;--line:#dde2ea;--soft:#f6f7f9;--up:#b5482f;--down:#2b7086;--accent:#3b5998;--band:#e7ecf6;--ok:#3f7d4e;--warn:#a9761b}
*{box-sizing:border-box}
body{margin:0 auto;max-width:980px;padding:32px 28px 56px;background:#fff;color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
h1{font-size:24px;line-height:1.25;margin:0 0 4px;font-weight:650}
h2{font-size:16px;margin:36px 0 8px;padding-bottom:6px;border-bottom:1px solid var(--line);font-weight:650}
p{margin:8px 0;max-width:72ch}
.muted{color:var(--muted)}
.small{font-size:13px}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:12.5px;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;margin:8px 0;font-size:14px}
th{font-weight:600;text-align:left;color:var(--muted);font-size:12.5px;border-bottom:1px solid var(--line);padding:5px 10px 5px 0;vertical-align:bottom}
td{border-bottom:1px solid var(--line);padding:3.5px 10px 3.5px 0;vertical-align:top;overflow-wrap:anywhere}
td.id{min-width:11em}
.num{text-align:right;white-space:nowrap}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:18px 0}
.tile{background:var(--soft);border-radius:8px;padding:10px 14px}
.tile b{display:block;font-size:20px;line-height:1.3;font-weight:650}
.tile span{color:var(--muted);font-size:12.5px}
.tag{display:inline-block;border-radius:999px;padding:1px 10px;font-size:12.5px;font-weight:600;border:1px solid currentColor}
.approve{color:var(--ok)}.review{color:var(--warn)}.decline{color:var(--up)}
svg{display:block;width:100%;height:auto;margin:6px 0;font-family:inherit}
svg text{fill:var(--ink);font-size:12.5px}
svg .muted{fill:var(--muted)}
.note{background:var(--soft);border-left:3px solid var(--line);padding:8px 14px;font-size:13.5px}
@media(max-width:620px){table{display:block;overflow-x:auto}td,td code,td .mono{overflow-wrap:normal}}
@media print{body{padding:0;font-size:12px;max-width:none}h2{break-after:avoid}table,svg,.tiles{break-inside:avoid}.tile,.note{border:1px solid var(--line);background:none}}
)";
}

std::string html_head(std::string_view title, std::string_view extra_css) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\">\n<title>";
  out += escape_html(title);
  out += "</title>\n<style>\n";
  out += report_style();
  out += extra_css;
  out += "</style>\n</head>\n<body>\n";
  return out;
}

std::string html_heading(std::string_view text) { return "<h2>" + escape_html(text) + "</h2>\n"; }

std::string html_paragraph(std::string_view text, std::string_view css_class) {
  return (css_class.empty() ? std::string("<p>") : "<p class=\"" + std::string(css_class) + "\">") + escape_html(text) +
         "</p>\n";
}

std::string html_tile(std::string_view value, std::string_view name) {
  return "<div class=\"tile\"><b>" + escape_html(value) + "</b><span>" + escape_html(name) + "</span></div>\n";
}

HtmlTable::HtmlTable(const std::vector<std::string>& heads) : text_("<table>\n<thead><tr>") {
  for (std::size_t i = 0; i < heads.size(); ++i)
    text_ += (i == 0 ? "<th>" : "<th class=\"num\">") + escape_html(heads[i]) + "</th>";
  text_ += "</tr></thead>\n<tbody>\n";
}

HtmlTable& HtmlTable::row(const std::vector<std::string>& cells, bool is_main) {
  text_ += is_main ? "<tr class=\"main\">" : "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i)
    text_ += (i == 0 ? "<td>" : "<td class=\"num\">") + escape_html(cells[i]) + "</td>";
  text_ += "</tr>\n";
  return *this;
}

}  // namespace sluice
