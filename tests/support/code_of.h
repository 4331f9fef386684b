#pragma once
/// The error of a call.

#include <functional>
#include <string>

#include "sluice/base/error.h"

namespace sluice::test {

/// The code of the Error that `call` throws; empty if it throws none.
inline std::string code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.code();
  }
  return "";
}

}  // namespace sluice::test
