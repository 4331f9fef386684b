#include <bit>
#include <nlohmann/json.hpp>

#include "audit/record_oracle.h"
#include "sluice/audit/decision_record.h"
#include "sluice/base/error.h"
#include "sluice/base/random.h"
#include "sluice/cascade/engine.h"
#include "support/catch.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {

using namespace audit;
using namespace cascade;

namespace {

/// Provides one late column for the rows whose third cell is positive; fails for the others.
struct HalfProvider final : FeatureProvider {
  Result fetch(RowView row, std::span<double> late, Deadline) const override {
    if (!(row[2] > 0)) return Result::failed;
    late[0] = row[2];
    return Result::ok;
  }
};

struct Case {
  std::shared_ptr<const Bundle> bundle;
  Table rows;
  std::vector<Decision> decisions;
};

Case make_case(const std::filesystem::path& folder, Band band = {0.3, 0.7}) {
  Case c;
  c.bundle = small_bundle(folder, 1, {.with_late = true, .with_rules = true, .band = band});
  const Engine engine(c.bundle, {.timings = true});
  c.rows = small_rows(c.bundle->schema, 300, 2);
  const HalfProvider provider;
  for (std::size_t i = 0; i < c.rows.n_rows(); ++i) {
    if (i % 7 == 0) c.rows.row(i)[3] = -0.0;
    if (i % 11 == 0) c.rows.row(i)[5] = -INFINITY;
    c.decisions.push_back(engine.decide(c.rows.row(i), Deadline::none(), i % 3 ? &provider : nullptr));
  }
  return c;
}

const std::vector<Reason> kReasons = {{"HIGH_AMOUNT", "amount", 0.25}, {"é\n", "ratio", -1e-300}};
const ShadowResult kShadow{sha256("other"), Action::decline, Level::L1, 0.5f, std::nanf(""), 0.75};

DecisionContext context_of(const Case& c, std::size_t i, const std::string& id) {
  return {.id = id,
          .subject = mix64(i),
          .time_in_us = -static_cast<std::int64_t>(i),
          .time_out_us = 1'700'000'000'000'000,
          .kernel = "avx2",
          .arm = i % 2 ? "challenger" : "",
          .row = c.rows.row(i),
          .reasons = i % 5 ? std::span<const Reason>() : std::span<const Reason>(kReasons),
          .shadow = i % 4 ? nullptr : &kShadow};
}

template <class T>
auto bits(T value) {
  if constexpr (sizeof value == 4)
    return std::bit_cast<std::uint32_t>(value);
  else
    return std::bit_cast<std::uint64_t>(value);
}

}  // namespace

TEST_CASE("a decoded record has the decision, its inputs and its context bit for bit") {
  const TempDir dir;
  const Case c = make_case(dir / "b", GENERATE(Band{0.3, 0.7}, kGainBand));
  for (std::size_t i = 0; i < c.decisions.size(); ++i) {
    const Decision& d = c.decisions[i];
    const std::string id = i % 9 ? "request-" + std::to_string(i) : "";
    const DecisionContext context = context_of(c, i, id);
    std::string bytes = "before";
    encode(bytes, *c.bundle, d, context);
    REQUIRE(bytes.starts_with("before"));
    const DecisionRecord record = decode(std::string_view(bytes).substr(6));
    CHECK(record.head.id == id);
    CHECK(record.head.subject == context.subject);
    CHECK(record.head.time_in_us == context.time_in_us);
    CHECK(record.head.time_out_us == context.time_out_us);
    CHECK(record.head.bundle == c.bundle->digest);
    CHECK(record.head.policy_version == c.bundle->policy.version);
    CHECK(record.head.kernel == "avx2");
    CHECK(record.head.arm == context.arm);
    CHECK(record.head.shadow.has_value() == (context.shadow != nullptr));
    REQUIRE(record.inputs.row.size() == context.row.size());
    for (std::size_t k = 0; k < context.row.size(); ++k) {
      if (std::isnan(context.row[k]))
        CHECK(std::isnan(record.inputs.row[k]));
      else
        CHECK(bits(record.inputs.row[k]) == bits(context.row[k]));
    }
    CHECK(record.inputs.late.has_value() == d.late_fetched);
    CHECK(record.outcome.action == d.action);
    CHECK(record.outcome.level == d.level);
    CHECK(record.outcome.cause == d.cause);
    CHECK(record.outcome.rules_cause == d.rules_cause);
    CHECK(record.outcome.path == d.path);
    CHECK(record.outcome.in_band == d.in_band);
    CHECK(record.outcome.band->min_gain == c.bundle->policy.band->min_gain);
    CHECK(bits(record.outcome.gain) == bits(d.gain));
    CHECK(bits(record.outcome.p_final) == bits(d.p_final));
    CHECK(bits(record.outcome.forest.margin) == bits(d.forest.margin));
    CHECK(bits(record.outcome.network.margin) == bits(d.network.margin));
    CHECK(bits(record.outcome.network.p) == bits(d.network.p));
    CHECK(record.outcome.device == d.device.view());
    CHECK(record.outcome.phases[0].n_fired == d.pre.n_fired);
    CHECK(record.outcome.phases[2].missing.size() == d.post.missing.size());
    if (d.pre.decisive != rules::kNoRule) CHECK(record.outcome.phases[0].decisive == "TOO_LARGE");
    CHECK(record.outcome.reasons.size() == context.reasons.size());
    CHECK(bits(record.timings_us.total) == bits(d.timings_us.total));
  }
}

TEST_CASE("the bytes are those of the documented format") {
  const TempDir dir;
  const Case c = make_case(dir / "b", GENERATE(Band{0.3, 0.7}, kGainBand));
  for (std::size_t i = 0; i < c.decisions.size(); ++i) {
    std::string bytes;
    encode(bytes, *c.bundle, c.decisions[i], context_of(c, i, "id"));
    REQUIRE(plain_record(decode(bytes)) == bytes);
  }
}

TEST_CASE("truncated or extended bytes are rejected, and changed ones are rejected or are another valid record") {
  const TempDir dir;
  const Case c = make_case(dir / "b");
  for (const std::size_t i : {std::size_t{0}, std::size_t{20}}) {
    std::string bytes;
    encode(bytes, *c.bundle, c.decisions[i], context_of(c, i, "id"));
    for (std::size_t size = 0; size < bytes.size(); ++size) REQUIRE_THROWS_AS(decode(bytes.substr(0, size)), Error);
    REQUIRE_THROWS_AS(decode(bytes + '\0'), Error);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      std::string bent = bytes;
      bent[bit / 8] = static_cast<char>(bent[bit / 8] ^ 1 << (bit % 8));
      try {
        const DecisionRecord record = decode(bent);
        CAPTURE(i, bit);
        REQUIRE(plain_record(record) == bent);
      } catch (const Error& e) {
        REQUIRE(e.code().starts_with("record."));
      }
    }
  }
}

TEST_CASE("a text that is too long is an error") {
  const TempDir dir;
  const Case c = make_case(dir / "b");
  std::string bytes;
  const std::string id(65536, 'x');
  REQUIRE_THROWS_AS(encode(bytes, *c.bundle, c.decisions[0], context_of(c, 0, id)), Error);
}

TEST_CASE("the first field that differs is named with both values") {
  const TempDir dir;
  const Case c = make_case(dir / "b", kGainBand);
  std::string bytes;
  encode_outcome(bytes, *c.bundle, c.decisions[1], kReasons);
  const RecordOutcome then = decode_outcome(bytes);
  REQUIRE(difference(then, then).empty());
  const auto changed = [&](auto change) {
    RecordOutcome now = then;
    change(now);
    return difference(then, now);
  };
  CHECK_THAT(changed([](auto& o) { o.forest.margin = std::nextafter(o.forest.margin, 99.0f); }),
             Catch::StartsWith("margin_forest "));
  CHECK_THAT(changed([](auto& o) { o.p_final = std::nan(""); }), Catch::StartsWith("p_final "));
  CHECK_THAT(changed([](auto& o) { o.path[0] = !o.path[0]; }), Catch::StartsWith("path "));
  CHECK_THAT(changed([](auto& o) { o.phases[2].fired.push_back("LOOK"); }), Catch::StartsWith("rules.post.fired "));
  CHECK_THAT(changed([](auto& o) { o.band->min_gain = 0.125; }), Catch::StartsWith("band.min_gain 0 then, 0.125"));
  CHECK_THAT(changed([](auto& o) { o.gain = 7; }), Catch::StartsWith("band.gain "));
  CHECK_THAT(changed([](auto& o) { o.reasons[0].phi = -0.25; }), Catch::StartsWith("reasons "));
  CHECK_THAT(changed([](auto& o) { o.reasons.pop_back(); }), Catch::StartsWith("reasons "));
}

TEST_CASE("a record's JSON has the keys of the contract") {
  const TempDir dir;
  const Case c = make_case(dir / "b", GENERATE(Band{0.3, 0.7}, kGainBand));
  for (std::size_t i = 0; i < c.decisions.size(); ++i) {
    std::string bytes, text;
    encode(bytes, *c.bundle, c.decisions[i], context_of(c, i, "a"));
    append_json(text, decode(bytes), i % 2 ? &c.bundle->schema : nullptr);
    const auto json = nlohmann::json::parse(text);
    for (const char* key : {"id", "bundle", "policy_version", "action", "path", "level", "cause", "forest", "band",
                            "network", "p_final", "rules", "reasons", "timings_us", "inputs", "subject", "time_in_us"})
      REQUIRE(json.contains(key));
    CHECK(json["band"].contains("gain") == c.bundle->policy.band->min_gain.has_value());
    CHECK(json["inputs"].size() == c.rows.n_columns());
    CHECK(json["inputs"].is_object() == (i % 2 == 1));
  }
}

}  // namespace sluice::test
