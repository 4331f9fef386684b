#pragma once
/// A person's statement that entries which no checkpoint covers, and which the log's writer cannot prove to be its own,
/// belong to the log (docs/log_format.md). From then on they are signed.
/// Thread-safety: plain data; functions are thread-safe.

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/base/digest.h"

namespace sluice::audit {

struct Adoption {
  std::uint64_t first = 0;  // the first adopted entry
  std::uint64_t end = 0;    // the first entry after them: that of the adoption
  Digest chain;             // chain hash after the adopted entries
  std::string who, why;     // at least one byte, at most 65,535
};

/// Appends the payload of an adoption entry. Throws Error{adoption.who, adoption.why, record.text}.
void encode(std::string& bytes, const Adoption& adoption);
/// Accepts exactly what `encode` writes. Throws Error{record.*}.
Adoption decode_adoption(std::string_view bytes);

/// {"first", "end", "chain", "by", "why"}.
void append_json(std::string& out, const Adoption& adoption);

}  // namespace sluice::audit
