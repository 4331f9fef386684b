// Loads a bundle, decides one request and prints the decision: decide_one BUNDLE
#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

#include <sluice/cascade/engine.h>

using namespace sluice;

int main(int argc, char** argv) {
  const char* path = argc > 1 ? argv[1] : "bundle";
  const auto bundle = std::make_shared<const cascade::Bundle>(cascade::Bundle::load(path));
  const cascade::Engine engine(bundle);

  std::vector<double> row(bundle->schema.size(), NAN);  // in the schema's order; NaN is missing
  row[bundle->schema.index_of("amount")] = 912.50;

  const cascade::Decision d = engine.decide(row);
  std::printf("%s, p = %.4f, level %s %s\n", rules::to_string(d.action), d.p_final, cascade::to_string(d.level),
              cascade::to_string(d.cause));
}
