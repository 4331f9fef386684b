#pragma once
/// What became of requests, told later.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/io/record_reader.h"

namespace sluice::cli {

/// By the request's id. Not thread-safe.
class LateLabels {
 public:
  /// Reads two columns of a CSV or Arrow IPC file; a missing label is one that is not known yet. Throws what reading
  /// throws, Error{labels.column}, Error{labels.id} for a line without an id, and Error{labels.conflict} naming the
  /// line that says otherwise than an earlier one.
  LateLabels(const std::string& path, const std::string& id, const std::string& label);

  /// Null where nothing is known of the request yet.
  const std::string* find(const std::string& request);
  /// The same as bad or good. `positive`: the text that counts as bad; empty: io::plain_label. Throws
  /// Error{labels.value} for a text that is neither.
  std::optional<bool> is_bad(const std::string& request, const std::string& positive);

  std::size_t n_unused() const;  // labels of requests that were not asked for

 private:
  struct Label {
    explicit Label(std::string_view t) : text(t) {}
    std::string text;
    bool was_used = false;
  };

  std::map<std::string, Label> texts_;
};

}  // namespace sluice::cli
