#pragma once
// Collects the faults of one expression, each with its position in the text.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/diagnostic.h"

namespace sluice::rules {

class Faults {
 public:
  Faults(std::string_view source, std::string pointer, std::string_view text, std::vector<Diagnostic>& out)
      : source_(source), pointer_(std::move(pointer)), text_(text), out_(out) {}

  /// `kind` is the code without its family: "type"; `byte` is a position in the text, text.size() for its end.
  /// After the hundredth fault of an expression, a final one reports that the rest is not listed.
  void add(const char* kind, std::size_t byte, std::string message, std::string hint = {});

  /// False after so many faults in the document that a search for similar words is not worth its time.
  bool suggests() const { return out_.size() < 200; }

 private:
  std::string source_, pointer_;
  std::string_view text_;
  std::vector<Diagnostic>& out_;
  std::size_t n_added_ = 0;
};

}  // namespace sluice::rules
