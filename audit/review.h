#pragma once
/// A person's review of a decision, a separate entry of the log (docs/record_format.md, "Review").
///
/// A review names the decision's entry by index and by hash, so that two inclusion proofs show what was reviewed. The
/// last review of a decision counts.
/// Thread-safety: the functions are thread-safe, but the log must not be written during `read_reviews`.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "sluice/base/digest.h"
#include "sluice/bundle/policy.h"

namespace sluice::audit {

inline constexpr std::uint32_t kReviewVersion = 1;

/// An entry of a log.
struct EntryLink {
  std::uint64_t index = 0;
  Digest entry;               // SHA-256 of its header and payload
  std::uint64_t subject = 0;  // from its header: the subject reference, or the number of the key if it is encrypted
};

struct Review {
  EntryLink decision;  // `subject` selects the key that encrypts the review; it is not part of the review's bytes
  cascade::Action action = cascade::Action::none;  // REVIEW passes it on: the decision stays in the queue
  std::int64_t time_us = 0;                        // when the person decided, since 1970
  std::string who, why, note;                      // `why` is a reason code; `note` may be empty
};

/// Appends the canonical bytes. Throws Error{review.action} for Action::none, Error{review.text} if `who` or `why` is
/// empty, and Error{record.text} for a text of more than 65,535 bytes.
void encode(std::string& out, const Review& review);
/// Throws Error{record.*} for bytes that `encode` cannot have written; `decision.subject` is 0.
Review decode_review(std::string_view bytes);

/// {"decision": …, "entry": …, "action": …, "time_us": …, "by": …, "why": …, "note": … or null}
void append_json(std::string& out, const Review& review);

/// The last review of each decision, by the decision's index, without those whose key is erased. Throws
/// Error{log.*, keys.*, record.*}.
std::map<std::uint64_t, Review> read_reviews(const std::filesystem::path& folder);

/// Throws Error{review.link} unless the review names this entry by index and hash.
void check_link(const Review& review, const EntryLink& decision);

}  // namespace sluice::audit
