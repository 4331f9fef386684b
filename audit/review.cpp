#include "sluice/audit/review.h"

#include <cstring>

#include "sluice/audit/log/bytes.h"
#include "sluice/audit/log/log_reader.h"
#include "sluice/base/error.h"
#include "sluice/base/json_text.h"

namespace sluice::audit {

void encode(std::string& bytes, const Review& review) {
  if (review.action == cascade::Action::none) throw Error("review.action", "a review without an action");
  if (review.who.empty() || review.why.empty())
    throw Error("review.text", "a review without a reviewer or a reason", "only the note may be empty");
  ByteWriter out(bytes);
  out.put(kReviewVersion).put(review.decision.index);
  out.bytes(review.decision.entry.bytes.data(), kHashBytes);
  out.put(static_cast<std::uint8_t>(review.action)).put(review.time_us);
  out.text(review.who).text(review.why).text(review.note);
}

Review decode_review(std::string_view bytes) {
  ByteReader in(bytes);
  if (const auto version = in.get<std::uint32_t>(); version != kReviewVersion)
    in.fail("record.version", "review version " + std::to_string(version) + "; this program reads version 1");
  Review review;
  review.decision.index = in.get<std::uint64_t>();
  std::memcpy(review.decision.entry.bytes.data(), in.take(kHashBytes).data(), kHashBytes);
  review.action = static_cast<cascade::Action>(in.small(static_cast<std::uint8_t>(cascade::Action::decline), "action"));
  review.time_us = in.get<std::int64_t>();
  for (std::string* text : {&review.who, &review.why, &review.note}) *text = in.text();
  in.finish();
  if (review.action == cascade::Action::none) in.fail("record.value", "a review without an action");
  if (review.who.empty() || review.why.empty()) in.fail("record.value", "a review without a reviewer or a reason");
  return review;
}

void append_json(std::string& out, const Review& review) {
  JsonText json(out);
  json.open('{').field("decision", review.decision.index);
  json.field("entry", std::string_view(review.decision.entry.hex()));
  json.field("action", rules::to_string(review.action)).field("time_us", review.time_us);
  json.field("by", std::string_view(review.who)).field("why", std::string_view(review.why));
  json.text_or_null("note", review.note).close('}');
}

std::map<std::uint64_t, Review> read_reviews(const std::filesystem::path& folder) {
  LogReader reader(folder);
  PayloadReader payloads(folder);
  std::map<std::uint64_t, Review> reviews;
  for (EntryView entry; reader.next(entry);) {
    if (entry.header.kind != EntryKind::review) continue;
    const auto payload = payloads.read(entry);
    if (!payload) continue;
    Review review = decode_review(*payload);
    review.decision.subject = entry.header.subject;
    reviews.insert_or_assign(review.decision.index, std::move(review));
  }
  reader.require_sound();
  return reviews;
}

void check_link(const Review& review, const EntryLink& decision) {
  if (review.decision.index != decision.index || review.decision.entry != decision.entry)
    throw Error("review.link", "a review names entry " + std::to_string(review.decision.index) + " with the hash " +
                                   review.decision.entry.hex() + "; the decision is entry " +
                                   std::to_string(decision.index) + " with the hash " + decision.entry.hex());
}

}  // namespace sluice::audit
