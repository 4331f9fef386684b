#include "sluice/audit/review.h"

#include <nlohmann/json.hpp>

#include "audit/log_support.h"
#include "sluice/audit/stored_decisions.h"
#include "sluice/audit/verify.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/random.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {

using namespace audit;
using cascade::Action;

namespace {

Review review_of(const EntryLink& decision, Action action, const std::string& who = "A. Jansen") {
  return {.decision = decision, .action = action, .time_us = kNoon - 7, .who = who, .why = "INCOME", .note = "a slip"};
}

std::vector<StoredDecision> decisions_of(const std::filesystem::path& folder) {
  std::vector<StoredDecision> all;
  for_each_decision(folder, [&](StoredDecision&& decision) { all.push_back(std::move(decision)); });
  return all;
}

/// A log of 20 decisions with reviews of decisions 3, 4 and again 4.
void make_reviewed_log(const std::filesystem::path& folder, const LogOptions& options) {
  const Decided decided;
  Log log(folder, options);
  for (std::size_t i = 0; i < 20; ++i) decided.append(log, i);
  REQUIRE(log.flush(10'000));
  const auto all = decisions_of(folder);
  log.append_reviews(std::vector{review_of(all[3].link, Action::decline), review_of(all[4].link, Action::review)},
                     kNoon + 100);
  log.append_reviews(std::vector{review_of(all[4].link, Action::approve, "B. Smit")}, kNoon + 200);
}

/// The bytes as docs/record_format.md defines them, written without the product's writer.
std::string plain_bytes(const Review& review) {
  const auto number = [](std::uint64_t value, int n) {
    std::string bytes;
    for (int i = 0; i < n; ++i) bytes += static_cast<char>(value >> (8 * i));
    return bytes;
  };
  std::string bytes = number(1, 4) + number(review.decision.index, 8);
  for (const auto byte : review.decision.entry.bytes) bytes += static_cast<char>(byte);
  bytes += static_cast<char>(review.action);
  bytes += number(static_cast<std::uint64_t>(review.time_us), 8);
  for (const auto& text : {review.who, review.why, review.note}) bytes += number(text.size(), 2) + text;
  return bytes;
}

Review random_review(Random& random) {
  Review review;
  review.decision.index = random.below(1 << 20);
  for (auto& byte : review.decision.entry.bytes) byte = static_cast<std::uint8_t>(random.below(256));
  review.action = static_cast<Action>(1 + random.below(3));
  review.time_us = static_cast<std::int64_t>(random.below(1 << 30)) - (1 << 29);
  review.who = std::string(1 + random.below(9), 'w');
  review.why = std::string(1 + random.below(9), 'y');
  review.note = std::string(random.below(9), 'n');
  return review;
}

}  // namespace

TEST_CASE("a review's bytes are those of the documented format, and no others decode") {
  Random random(1);
  for (int round = 0; round < 50; ++round) {
    const Review review = random_review(random);
    std::string bytes;
    encode(bytes, review);
    REQUIRE(bytes == plain_bytes(review));
    REQUIRE(plain_bytes(decode_review(bytes)) == bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      REQUIRE(code_of([&] { decode_review(bytes.substr(0, size)); }) == "record.truncated");
    REQUIRE(code_of([&] { decode_review(bytes + "x"); }) == "record.excess");
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      std::string bent = bytes;
      bent[at] = static_cast<char>(bent[at] ^ (1 << random.below(8)));
      std::optional<Review> decoded;
      try {
        decoded = decode_review(bent);
      } catch (const Error&) {
      }
      if (decoded) REQUIRE(plain_bytes(*decoded) == bent);
    }
  }
}

TEST_CASE(
    "reviews are in the log, each linked to its decision's entry by a hash, and a decision's last review counts") {
  for (const bool encrypt : {false, true}) {
    const TempDir dir;
    make_reviewed_log(dir / "log", {.segment_bytes = 6000, .encrypt = encrypt});
    const auto report = verify_log(dir / "log");
    CAPTURE(encrypt, report.faults.empty() ? "" : to_string(report.faults[0]));
    REQUIRE(report.is_whole());
    CHECK(report.n_reviews == 3);
    CHECK(report.n_covered == 23);
    const auto reviews = read_reviews(dir / "log");
    REQUIRE(reviews.size() == 2);
    CHECK(reviews.at(3).action == Action::decline);
    CHECK(reviews.at(4).action == Action::approve);
    CHECK(reviews.at(4).who == "B. Smit");
    CHECK(reviews.at(4).time_us == kNoon - 7);
    for (const auto& [index, review] : reviews) {
      const auto proof = nlohmann::json::parse(prove_entry(dir / "log", index));
      CHECK(sha256(*from_hex(proof["entry"].get<std::string>())) == review.decision.entry);
      CHECK_NOTHROW(check_link(review, read_decision(dir / "log", index)->link));
    }
    CHECK(read_review(dir / "log", 22)->who == "B. Smit");
    CHECK_FALSE(read_review(dir / "log", 4));
  }
}

TEST_CASE("an erased subject's reviews can no longer be read, and no new ones can be added") {
  const TempDir dir;
  make_reviewed_log(dir / "log", {.encrypt = true});
  CHECK(read_file(dir / "log" / "00000000.log").find("Jansen") == std::string::npos);
  const auto all = decisions_of(dir / "log");
  Log log(dir / "log");
  REQUIRE(log.erase(log.subject_reference("person 4"), kNoon));
  CHECK(code_of([&] { log.append_reviews(std::vector{review_of(all[4].link, Action::decline)}, kNoon); }) ==
        "review.erased");
  log.close();
  const auto reviews = read_reviews(dir / "log");
  REQUIRE(reviews.size() == 1);
  CHECK(reviews.begin()->first == 3);
  CHECK(verify_log(dir / "log").is_whole());
}

TEST_CASE("one call writes all of its reviews or none") {
  const TempDir dir;
  make_reviewed_log(dir / "log", {});
  const auto all = decisions_of(dir / "log");
  const Review sound = review_of(all[5].link, Action::approve);
  Log log(dir / "log");
  const auto refused = [&](const std::function<void(Review&)>& change) {
    std::vector<Review> reviews(2, sound);
    change(reviews[1]);
    return code_of([&] { log.append_reviews(reviews, kNoon); });
  };
  CHECK(refused([](Review& r) { r.action = Action::none; }) == "review.action");
  CHECK(refused([](Review& r) { r.who.clear(); }) == "review.text");
  CHECK(refused([](Review& r) { r.note.assign(70'000, 'x'); }) == "record.text");
  CHECK(refused([](Review& r) { r.decision.index = 1000; }) == "review.link");
  CHECK(log.status().n_entries == 23);
  log.close();
  CHECK(code_of([&] { log.append_reviews(std::vector{sound}, kNoon); }) == "log.closed");
}

TEST_CASE("verify finds an unencrypted review that names another entry than its decision's") {
  const TempDir dir;
  make_reviewed_log(dir / "log", {.segment_bytes = 6000});
  const auto all = decisions_of(dir / "log");
  Review wrong = review_of(all[6].link, Action::approve);
  wrong.decision.index = 7;
  {
    Log log(dir / "log");
    log.append_reviews(std::vector{wrong}, kNoon);
  }
  const auto report = verify_log(dir / "log");
  REQUIRE(report.faults.size() == 1);
  CHECK(report.faults[0].code == "review.link");
  CHECK(report.faults[0].index == 23);
  CHECK(code_of([&] { check_link(read_reviews(dir / "log").at(7), all[7].link); }) == "review.link");
}

TEST_CASE("a change of any bit of a review's entry is found") {
  for (const bool encrypt : {false, true}) {
    const TempDir dir;
    make_reviewed_log(dir / "log", {.encrypt = encrypt});
    const auto path = dir / "log" / "00000000.log";
    std::size_t start = 0, end = 0;
    LogReader reader(dir / "log");
    for (EntryView entry; reader.next(entry);)
      if (entry.header.index == 21) start = reader.offset(), end = start + entry.size() - entry.mark.size();
    const std::string sound = read_file(path);
    for (std::size_t bit = 8 * start; bit < 8 * end; bit += 3) {
      std::string bent = sound;
      bent[bit / 8] = static_cast<char>(bent[bit / 8] ^ 1 << (bit % 8));
      std::filesystem::remove(path);
      write_file(path, bent);
      const auto report = verify_log(dir / "log");
      CAPTURE(encrypt, bit);
      REQUIRE_FALSE(report.is_whole());
      REQUIRE(report.faults.front().index == 21);
    }
  }
}

}  // namespace sluice::test
