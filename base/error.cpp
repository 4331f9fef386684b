#include "sluice/base/error.h"

#include <utility>

namespace sluice {

Error::Error(std::string code, std::string message, std::string hint)
    : std::runtime_error(code + ": " + message + (hint.empty() ? "" : "\n  hint: " + hint)),
      code_(std::move(code)),
      message_(std::move(message)),
      hint_(std::move(hint)) {}

}  // namespace sluice
