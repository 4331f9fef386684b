#pragma once
/// The exception of the cold path: loading, parsing, compiling, training.
///
/// On the hot path a fault of one row is data in its record, never an exception.
/// Thread-safety: immutable after construction.

#include <stdexcept>
#include <string>

namespace sluice {

class Error : public std::runtime_error {
 public:
  /// `code` is stable and dotted ("csv.field_count"); `message` names the file, line, JSON pointer or feature; `hint`
  /// is the action to take.
  Error(std::string code, std::string message, std::string hint = {});

  const std::string& code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& hint() const noexcept { return hint_; }

 private:
  std::string code_;
  std::string message_;
  std::string hint_;
};

}  // namespace sluice
