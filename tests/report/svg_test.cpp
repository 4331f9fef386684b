#include "sluice/report/svg.h"

#include "sluice/report/html_text.h"
#include "support/catch.h"

using namespace sluice;

TEST_CASE("labels, titles and the description are escaped, markup is not") {
  Svg svg(100, "a < \"b\"");
  svg.text(1, 2, Svg::Anchor::end, "<b>", "muted");
  svg.markup_text(1, 2, Svg::Anchor::start, "<tspan>x</tspan>");
  svg.rectangle(0, 0, 10, 5, "fill:red", 2, "1 < 2");
  svg.circle(1, 1, 3, "fill:red");
  const std::string text = svg.finish(50);
  CHECK(text.find("<svg viewBox=\"0 0 100.0 50.0\" role=\"img\" aria-label=\"" + escape_html("a < \"b\"") + "\">") ==
        0);
  CHECK(text.find("text-anchor=\"end\" class=\"muted\">&lt;b&gt;</text>") != std::string::npos);
  CHECK(text.find("><tspan>x</tspan></text>") != std::string::npos);
  CHECK(text.find("rx=\"2.0\" style=\"fill:red\"><title>1 &lt; 2</title></rect>") != std::string::npos);
  CHECK(text.find("r=\"3.0\" style=\"fill:red\"/>") != std::string::npos);
  CHECK(text.ends_with("</svg>\n"));
}

TEST_CASE("coordinates are pixels with one decimal") {
  CHECK(svg_pixels(1.04) == "1.0");
  CHECK(svg_pixels(-2.25) == "-2.2");
}
