// Decides one request with a trained bundle: embed_decision_engine BUNDLE
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

#include <sluice/cascade/engine.h>

int main(int argc, char** argv) {
  using namespace sluice;
  const auto bundle = std::make_shared<cascade::Bundle>(cascade::Bundle::load(argc > 1 ? argv[1] : "bundle"));
  const cascade::Engine engine(bundle);  // one for all threads
  const Schema& schema = bundle->schema;

  std::vector<double> row(schema.size(), NAN);  // in schema order; NaN is missing
  row[schema.index_of("amount")] = 912.50;
  schema.parse_cell(schema.index_of("channel"), "online", row[schema.index_of("channel")]);

  const cascade::Decision d = engine.decide(row, cascade::Deadline::in(std::chrono::milliseconds(5)));
  std::printf("%s, p = %.4f, level %s %s\n", rules::to_string(d.action), d.p_final, cascade::to_string(d.level),
              cascade::to_string(d.cause));
}
