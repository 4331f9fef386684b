#include "sluice/bundle/background.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/io/arrow_ipc.h"

namespace sluice::cascade {
namespace {

/// The position of each schema column in the file's header.
std::vector<std::size_t> places_of(const Schema& schema, const std::vector<std::string>& header,
                                   const std::string& source) {
  std::vector<std::size_t> places;
  for (const Column& column : schema.columns()) {
    const auto it = std::find(header.begin(), header.end(), column.name);
    if (it == header.end()) throw Error("background.column", source + ": there is no column \"" + column.name + "\"");
    places.push_back(static_cast<std::size_t>(it - header.begin()));
  }
  return places;
}

double read_cell(std::string_view text, const std::string& where) {
  if (text.empty()) return std::nan("");
  if (const auto number = parse_number(text)) return *number;
  throw Error("background.cell", where + ": \"" + std::string(text) + "\" is not a number");
}

}  // namespace

std::string write_background(RowsView rows, const Schema& schema) {
  std::vector<io::ArrowColumn> columns;
  for (const Column& column : schema.columns()) columns.push_back({column.name, io::ArrowColumn::Type::float64});
  std::string bytes;
  io::ArrowWriter writer(bytes, columns);
  for (std::size_t i = 0; i < rows.n_rows; ++i) {
    const auto row = rows.row(i);
    for (std::size_t c = 0; c < row.size(); ++c) writer.add_double(c, row[c]);
    writer.end_row();
  }
  writer.finish();
  return bytes;
}

Table read_background(std::string_view bytes, const Schema& schema, std::string_view source_view) {
  const std::string source(source_view);
  const auto records = io::open_record_bytes(bytes, source);
  const auto places = places_of(schema, records->header(), source);
  Table rows(schema.size());
  std::vector<std::string_view> fields;
  while (records->next(fields)) {
    const auto row = rows.append();
    for (std::size_t c = 0; c < places.size(); ++c) row[c] = read_cell(fields[places[c]], records->where());
  }
  if (rows.n_rows() == 0) throw Error("background.empty", source + ": the file has no rows");
  return rows;
}

}  // namespace sluice::cascade
