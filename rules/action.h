#pragma once
/// What is done with a request. Ruled or scored, a decision ends in one of these.

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::rules {

enum class Action : std::uint8_t { none, approve, review, decline };  // none: nothing has decided

/// "none", "APPROVE", "REVIEW", "DECLINE": as documents and records spell them.
const char* to_string(Action action);

/// The action spelt so, letter for letter; nullopt for any other text and for "none".
std::optional<Action> parse_action(std::string_view text);

}  // namespace sluice::rules
