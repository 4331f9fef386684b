#include "sluice/experiment/outcome_labels.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include "sluice/base/diagnostic.h"
#include "sluice/base/error.h"
#include "sluice/base/schema.h"
#include "sluice/io/record_reader.h"

namespace sluice::experiment {
namespace {

std::size_t column_of(const std::vector<std::string>& header, const std::string& name, const std::string& path) {
  const auto it = std::find(header.begin(), header.end(), name);
  if (it != header.end()) return static_cast<std::size_t>(it - header.begin());
  const std::string meant = nearest(name, header);
  throw Error("labels.missing_column", path + ": no column \"" + name + "\"",
              meant.empty() ? "" : "did you mean \"" + meant + "\"?");
}

std::optional<bool> parse_label(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (lower == "true" || lower == "yes") return true;
  if (lower == "false" || lower == "no") return false;
  const auto number = parse_number(text);
  if (!number || (*number != 0 && *number != 1)) return std::nullopt;
  return *number == 1;
}

std::string place(const io::RecordReader& reader, const std::string& column) {
  return reader.where() + ", column \"" + column + "\": ";
}

}  // namespace

OutcomeLabels OutcomeLabels::read(const std::string& path, const Columns& columns, const Progress& progress) {
  const auto reader = io::open_records(path, progress);
  const std::size_t id = column_of(reader->header(), columns.id, path),
                    label = column_of(reader->header(), columns.label, path);
  OutcomeLabels out;
  out.has_amounts_ = !columns.amount.empty();
  const std::size_t amount = out.has_amounts_ ? column_of(reader->header(), columns.amount, path) : 0;
  for (std::vector<std::string_view> fields; reader->next(fields);) {
    if (is_missing_text(fields[label])) continue;
    const auto is_bad = parse_label(fields[label]);
    if (!is_bad)
      throw Error("labels.label",
                  place(*reader, columns.label) + "\"" + std::string(fields[label]) + "\" is neither 0 nor 1");
    OutcomeLabel read{.is_bad = *is_bad};
    if (out.has_amounts_) {
      const auto number = parse_number(fields[amount]);
      if (!number || !std::isfinite(*number) || *number < 0)
        throw Error("labels.amount",
                    place(*reader, columns.amount) + "\"" + std::string(fields[amount]) + "\" is not an amount",
                    "a labelled row needs a number of 0 or more");
      read.amount = *number;
    }
    out.amounts_ += read.amount;
    out.cubed_amounts_ += read.amount * read.amount * read.amount;
    if (!out.labels_.emplace(fields[id], read).second)
      throw Error("labels.duplicate", place(*reader, columns.id) + "\"" + std::string(fields[id]) + "\" occurs twice",
                  "keep one label per decision");
  }
  return out;
}

const OutcomeLabel* OutcomeLabels::find(const std::string& id) const {
  const auto it = id.empty() ? labels_.end() : labels_.find(id);
  return it == labels_.end() ? nullptr : &it->second;
}

double OutcomeLabels::large_amount() const { return amounts_ > 0 ? std::sqrt(cubed_amounts_ / amounts_) : 0; }

double OutcomeLabels::bad_rate() const {
  std::size_t n_bad = 0;
  for (const auto& [id, label] : labels_) n_bad += label.is_bad;
  return labels_.empty() ? 0 : static_cast<double>(n_bad) / static_cast<double>(labels_.size());
}

}  // namespace sluice::experiment
