#pragma once
/// Decisions, to be compared.

#include <bit>
#include <cstdint>
#include <vector>

#include "sluice/cascade/decision.h"

namespace sluice::test {

/// Everything of a decision but its timings, as bits.
inline std::vector<std::uint64_t> decision_bits(const cascade::Decision& d) {
  std::vector<std::uint64_t> out = {static_cast<std::uint64_t>(d.action), static_cast<std::uint64_t>(d.level),
                                    static_cast<std::uint64_t>(d.cause), static_cast<std::uint64_t>(d.rules_cause),
                                    d.in_band};
  for (const cascade::StageScore& s : {d.forest, d.network})
    out.insert(out.end(), {std::bit_cast<std::uint32_t>(s.margin), std::bit_cast<std::uint64_t>(s.p), s.ran});
  out.push_back(std::bit_cast<std::uint64_t>(d.p_final));
  out.push_back(std::bit_cast<std::uint32_t>(d.gain));
  for (const bool took : d.path) out.push_back(took);
  for (const rules::Outcome& o : {d.pre, d.fallback, d.post})
    out.insert(out.end(), {static_cast<std::uint64_t>(o.action), o.decisive, o.n_fired, o.n_missing, o.undecided});
  return out;
}

}  // namespace sluice::test
