#pragma once
/// Late labels: the outcomes of requests, by the requests' ids.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/io/record_reader.h"

namespace sluice::cli {

/// Not thread-safe.
class LateLabels {
 public:
  /// Reads two columns of a CSV or Arrow IPC file; a missing label is not known yet. Throws what reading throws,
  /// Error{labels.column} if a column is missing, Error{labels.id} for a line without an id, and
  /// Error{labels.conflict} naming a line that contradicts an earlier one.
  LateLabels(const std::string& path, const std::string& id, const std::string& label);

  /// The request's label; null if it is not known yet.
  const std::string* find(const std::string& request);
  /// Whether the label is bad; nullopt if it is not known yet. `positive` is the text that counts as bad; if it is
  /// empty, io::plain_label decides. Throws Error{labels.value} for a text that is neither.
  std::optional<bool> is_bad(const std::string& request, const std::string& positive);

  std::size_t n_unused() const;  // labels that find() never returned

 private:
  struct Label {
    explicit Label(std::string_view t) : text(t) {}
    std::string text;
    bool was_used = false;
  };

  std::map<std::string, Label> texts_;
};

}  // namespace sluice::cli
