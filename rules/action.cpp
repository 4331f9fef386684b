#include "sluice/rules/action.h"

namespace sluice::rules {

const char* to_string(Action action) {
  switch (action) {
    case Action::approve:
      return "APPROVE";
    case Action::review:
      return "REVIEW";
    case Action::decline:
      return "DECLINE";
    case Action::none:
      break;
  }
  return "none";
}

std::optional<Action> parse_action(std::string_view text) {
  for (const Action action : {Action::approve, Action::review, Action::decline})
    if (text == to_string(action)) return action;
  return std::nullopt;
}

}  // namespace sluice::rules
