#include <map>
#include <string>

#include "audit/log_support.h"
#include "sluice/audit/log/log_reader.h"
#include "sluice/audit/replay.h"
#include "sluice/cascade/engine.h"
#include "sluice/cascade/rollout/shadow.h"
#include "support/catch.h"

namespace sluice::test {

using namespace audit;
using namespace cascade;

TEST_CASE(
    "the shadow's result is in the record of the served decision, and no record is lost if the shadow is too slow") {
  const TempDir dir;
  const auto served = small_bundle(dir / "a", 1, {.with_rules = true}),
             beside = small_bundle(dir / "b", 2, {.with_rules = true});
  const Engine engine(served);
  const auto other = std::make_shared<const Engine>(beside);
  const Table rows = small_rows(served->schema, 500, 3);
  std::map<std::string, Decision> expected;
  {
    Log log(dir / "log");
    const auto append = [&](std::string_view id, RowView row, const Decision& d, const ShadowResult* result) {
      return log.append(*served, d, {.id = id, .row = row, .shadow = result}) != Appended::refused;
    };
    Shadow shadow(other, 16, [&](const ShadowPair& pair) {
      const ShadowResult result = shadow_result(*beside, pair.shadow);
      append(pair.context, pair.row, pair.served, &result);
    });
    for (std::size_t i = 0; i < rows.n_rows(); ++i) {
      const std::string id = std::to_string(i);
      const Decision d = engine.decide(rows.row(i));
      expected[id] = other->decide_unrecorded({.row = rows.row(i)});
      if (!shadow.offer({.row = rows.row(i)}, d, 0, id)) append(id, rows.row(i), d, nullptr);
    }
    shadow.drain();
  }
  std::size_t n_records = 0, n_beside = 0;
  LogReader reader(dir / "log");
  PayloadReader payloads(dir / "log");
  for (EntryView entry; reader.next(entry); ++n_records) {
    const RecordHead head = decode_head(split(*payloads.read(entry)).head);
    const Decision& d = expected.at(head.id);
    CHECK(head.bundle == served->digest);
    if (!head.shadow) continue;
    ++n_beside;
    CHECK(head.shadow->bundle == beside->digest);
    CHECK(head.shadow->action == d.action);
    CHECK(head.shadow->level == d.level);
    if (d.forest.ran) CHECK(head.shadow->margin_forest == d.forest.margin);
    if (d.network.ran) CHECK(head.shadow->margin_network == d.network.margin);
  }
  CHECK(n_records == rows.n_rows());
  CHECK(n_beside > 0);
  CHECK(replay(dir / "log", served).n_different == 0);
}

}  // namespace sluice::test
