#pragma once
/// The action for a request. Every decision, by a rule or by a score, ends in one of these.
/// Thread-safety: all functions are thread-safe.

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::rules {

enum class Action : std::uint8_t { none, approve, review, decline };  // none: not decided

/// "none", "APPROVE", "REVIEW", "DECLINE": as documents and records spell them.
const char* to_string(Action action);

/// The action with this exact spelling; nullopt for any other text and for "none".
std::optional<Action> parse_action(std::string_view text);

}  // namespace sluice::rules
