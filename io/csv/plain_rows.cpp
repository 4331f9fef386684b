#include "sluice/io/csv/plain_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "sluice/base/error.h"
#include "sluice/base/number.h"

namespace sluice::io {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kRowsAPiece = 128;

void resize(RowBlock& block, std::size_t n_rows, bool has_label, bool has_id) {
  block.rows.resize(n_rows);
  if (has_label) block.labels.resize(n_rows);
  if (has_id) block.ids.resize(n_rows);
  for (auto& texts : block.extras) texts.resize(n_rows);
}

}  // namespace

PlainRows::Taken PlainRows::find_lines(const PlainLines& lines, std::size_t max_rows) {
  Taken taken;
  lines_.clear();
  const char* at = lines.text.data();
  const char* const end = at + lines.text.size();
  while (at != end && lines_.size() < max_rows) {
    const char* line_end = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    const char* last = line_end > at && line_end[-1] == '\r' ? line_end - 1 : line_end;
    if (last > at) lines_.push_back({at, last, lines.first_line + taken.n_lines});
    ++taken.n_lines;
    at = line_end + 1;
  }
  taken.n_bytes = static_cast<std::size_t>(at - lines.text.data());
  taken.n_rows = lines_.size();
  return taken;
}

PlainRows::Taken PlainRows::read(const PlainLines& lines, std::size_t max_rows, RowBlock& block) {
  Taken taken = find_lines(lines, max_rows);
  const auto has = [&](bool FieldUse::* use) {
    return std::any_of(fields_.begin(), fields_.end(), [use](const FieldUse& field) { return field.*use; });
  };
  const bool has_label = has(&FieldUse::is_label), has_id = has(&FieldUse::is_id);
  const std::size_t n_before = block.rows.n_rows(), n_pieces = (lines_.size() + kRowsAPiece - 1) / kRowsAPiece;
  resize(block, n_before + lines_.size(), has_label, has_id);

  std::vector<char> is_good(n_pieces, 1);
  std::vector<std::vector<UnseenCell>> unseen(n_pieces);
  const auto read_piece = [&](std::size_t piece) {
    const std::size_t first = piece * kRowsAPiece, last = std::min(first + kRowsAPiece, lines_.size());
    for (std::size_t i = first; i < last && is_good[piece]; ++i)
      is_good[piece] = read_line(lines_[i], lines.delimiter, n_before + i, block, unseen[piece]);
  };
  if (pool_ != nullptr)
    pool_->run(n_pieces, read_piece);
  else
    for (std::size_t piece = 0; piece < n_pieces; ++piece) read_piece(piece);

  if (std::find(is_good.begin(), is_good.end(), 0) != is_good.end()) {
    resize(block, n_before, has_label, has_id);
    return {};
  }
  for (auto& cells : unseen) std::move(cells.begin(), cells.end(), std::back_inserter(taken.unseen));
  return taken;
}

bool PlainRows::read_line(const Line& line, char delimiter, std::size_t row, RowBlock& block,
                          std::vector<UnseenCell>& unseen) const {
  double* const cells = block.rows.row(row).data();
  const char* at = line.begin;
  for (std::size_t f = 0; f < fields_.size(); ++f) {
    const FieldUse& use = fields_[f];
    const bool is_last = f + 1 == fields_.size();
    const char* field_end = nullptr;
    // Most cells: the delimiter need not be searched, the number ends at it.
    if (use.is_plain_number && at != line.end) {
      double value = kMissing;
      const char* end = at;
      if (*at != delimiter) end += take_number({at, static_cast<std::size_t>(line.end - at)}, value);
      const bool ends_here = end == line.end ? is_last : *end == delimiter;
      if (ends_here && (end == at || !std::isnan(value))) {
        cells[use.column] = value;
        field_end = end;
      }
    }
    if (field_end == nullptr) {
      field_end = static_cast<const char*>(std::memchr(at, delimiter, static_cast<std::size_t>(line.end - at)));
      if (field_end == nullptr) field_end = line.end;
      if (!read_field(use, {at, static_cast<std::size_t>(field_end - at)}, line, row, block, unseen)) return false;
    }
    if ((field_end == line.end) != is_last) return false;
    at = field_end + 1;
  }
  return true;
}

bool PlainRows::read_field(const FieldUse& use, std::string_view text, const Line& line, std::size_t row,
                           RowBlock& block, std::vector<UnseenCell>& unseen) const {
  // As libcsv returns it: without the blanks around it.
  const auto first = text.find_first_not_of(" \t");
  text = first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(" \t") - first + 1);
  if (use.column != FieldUse::kNowhere) {
    const CellStatus status = schema_.parse_cell(use.column, text, block.rows.row(row)[use.column]);
    if (status == CellStatus::invalid) return false;
    if (status == CellStatus::unseen_category) unseen.push_back({use.column, std::string(text), line.number});
  }
  if (use.is_id) block.ids[row] = text;
  if (use.extra != FieldUse::kNowhere) block.extras[use.extra][row] = text;
  if (use.is_label) try {
      block.labels[row] = read_label_(text);
    } catch (const Error&) {
      return false;
    }
  return true;
}

}  // namespace sluice::io
