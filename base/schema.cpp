#include "sluice/base/schema.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>

#include "sluice/base/diagnostic.h"
#include "sluice/base/error.h"
#include "sluice/base/number.h"

namespace sluice {
namespace {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using WordIndex = std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>>;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

struct Schema::State {
  std::vector<Column> columns;
  std::vector<std::size_t> forest, network, late;
  WordIndex by_name;
  std::vector<WordIndex> words;  // one per column; empty unless it is a category
  Digest digest;
};

Schema::Schema() : state_(std::make_shared<State>()) {}

Schema::Schema(std::vector<Column> columns) {
  auto state = std::make_shared<State>();
  state->columns = std::move(columns);
  state->words.resize(state->columns.size());
  if (state->columns.empty()) throw Error("schema.empty", "a schema needs at least one column");
  for (std::size_t i = 0; i < state->columns.size(); ++i) {
    const Column& c = state->columns[i];
    if (c.name.empty()) throw Error("schema.name", "column " + std::to_string(i) + " has no name");
    if (!state->by_name.emplace(c.name, i).second)
      throw Error("schema.duplicate_column", "the column \"" + c.name + "\" occurs twice");
    if (c.kind != Kind::category && !c.vocabulary.empty())
      throw Error("schema.vocabulary", "the column \"" + c.name + "\" has a vocabulary but is not a category");
    if (c.late && c.is_protected)
      throw Error("schema.late_protected",
                  "the column \"" + c.name + "\" is both late and protected; no model could read it");
    for (std::size_t w = 0; w < c.vocabulary.size(); ++w)
      if (!state->words[i].emplace(c.vocabulary[w], w).second)
        throw Error("schema.vocabulary",
                    "the column \"" + c.name + "\" lists the word \"" + c.vocabulary[w] + "\" twice");
    const bool is_feature = (c.kind == Kind::number || c.kind == Kind::category) && !c.is_protected;
    if (is_feature) (c.late ? state->late : state->forest).push_back(i);
  }
  state->network = state->forest;
  state->network.insert(state->network.end(), state->late.begin(), state->late.end());
  state_ = state;
  state->digest = sha256(to_json());
}

const std::vector<Column>& Schema::columns() const { return state_->columns; }
std::span<const std::size_t> Schema::forest_columns() const { return state_->forest; }
std::span<const std::size_t> Schema::network_columns() const { return state_->network; }
std::span<const std::size_t> Schema::late_columns() const { return state_->late; }
Digest Schema::digest() const { return state_->digest; }

std::optional<std::size_t> Schema::find(std::string_view name) const {
  const auto it = state_->by_name.find(name);
  return it == state_->by_name.end() ? std::nullopt : std::optional(it->second);
}

std::size_t Schema::index_of(std::string_view name) const {
  if (const auto column = find(name)) return *column;
  std::vector<std::string> names;
  for (const auto& c : columns()) names.push_back(c.name);
  const std::string meant = nearest(name, names);
  throw Error("schema.unknown_column", "there is no column \"" + std::string(name) + "\"",
              meant.empty() ? "" : "did you mean \"" + meant + "\"?");
}

CellStatus Schema::parse_cell(std::size_t column, std::string_view text, double& cell) const {
  const Column& c = state_->columns[column];
  text = trimmed(text);
  cell = kMissing;
  if (is_missing_text(text)) return CellStatus::missing;
  for (const auto& code : c.missing_codes)
    if (text == code) return CellStatus::missing;
  switch (c.kind) {
    case Kind::number:
      if (const auto number = parse_number(text)) return cell = *number, CellStatus::ok;
      return CellStatus::invalid;
    case Kind::category: {
      const auto it = state_->words[column].find(text);
      const bool known = it != state_->words[column].end();
      cell = static_cast<double>(known ? it->second : c.vocabulary.size());
      return known ? CellStatus::ok : CellStatus::unseen_category;
    }
    case Kind::id:
      return cell = hash_id(text), CellStatus::ok;
    case Kind::time:
      if (const auto time = parse_time(text)) return cell = *time, CellStatus::ok;
      return CellStatus::invalid;
  }
  return CellStatus::invalid;
}

std::string Schema::format_cell(std::size_t column, double cell) const {
  if (std::isnan(cell)) return "";
  const Column& c = state_->columns[column];
  if (c.kind == Kind::id) return "#" + number_text(cell);
  if (c.kind != Kind::category) return number_text(cell);
  const bool is_word = cell >= 0 && cell < static_cast<double>(c.vocabulary.size());
  return is_word ? c.vocabulary[static_cast<std::size_t>(cell)] : "(unseen)";
}

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::number:
      return "number";
    case Kind::category:
      return "category";
    case Kind::id:
      return "id";
    case Kind::time:
      return "time";
  }
  return "?";
}

}  // namespace sluice
