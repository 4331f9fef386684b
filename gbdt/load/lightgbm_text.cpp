#include "sluice/gbdt/load/lightgbm_text.h"

#include <algorithm>
#include <charconv>

#include "sluice/base/error.h"

namespace sluice::gbdt {
namespace {

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

template <class Number>
std::vector<Number> read_numbers(const LightgbmSection& section, std::string_view key) {
  std::vector<Number> out;
  for (const std::string_view word : section.words(key)) {
    Number value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size())
      section.fail(std::string(key) + ": \"" + std::string(word) + "\" is not a number");
    out.push_back(value);
  }
  return out;
}

}  // namespace

LightgbmSection::LightgbmSection(std::string_view& rest, std::string name, std::string_view source)
    : name_(std::move(name)), source_(source) {
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (line.empty()) return;
    const std::size_t equals = line.find('=');
    if (equals == line.npos)
      lines_.emplace_back(line, std::string_view());
    else
      lines_.emplace_back(line.substr(0, equals), line.substr(equals + 1));
  }
}

void LightgbmSection::fail(const std::string& what) const {
  throw Error("forest.lightgbm", std::string(source_) + ": " + name_ + ": " + what,
              "the file is damaged or was not written by LightGBM");
}

void LightgbmSection::fail_tree(const std::string& node, const std::string& what) const {
  throw Error("forest.tree", std::string(source_) + ": " + name_ + ", " + node + ": " + what,
              "the file is damaged or was not written by LightGBM");
}

void LightgbmSection::refuse(const std::string& what, const char* hint) const {
  throw Error("forest.unsupported", std::string(source_) + ": " + name_ + ": " + what, hint);
}

const std::string_view* LightgbmSection::find(std::string_view key) const {
  const auto found = std::find_if(lines_.begin(), lines_.end(), [&](const auto& line) { return line.first == key; });
  return found == lines_.end() ? nullptr : &found->second;
}

std::string_view LightgbmSection::text(std::string_view key) const {
  const std::string_view* value = find(key);
  if (value == nullptr) fail("\"" + std::string(key) + "\" is missing");
  return *value;
}

std::vector<std::string_view> LightgbmSection::words(std::string_view key) const {
  std::vector<std::string_view> out;
  if (!has(key)) return out;
  std::string_view rest = text(key);
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    if (rest.empty()) return out;
    const std::size_t end = std::min(rest.find(' '), rest.size());
    out.push_back(rest.substr(0, end));
    rest.remove_prefix(end);
  }
}

std::vector<double> LightgbmSection::numbers(std::string_view key) const { return read_numbers<double>(*this, key); }

std::vector<std::int64_t> LightgbmSection::integers(std::string_view key) const {
  return read_numbers<std::int64_t>(*this, key);
}

std::int64_t LightgbmSection::integer(std::string_view key) const {
  const std::vector<std::int64_t> values = integers(key);
  if (values.size() != 1) fail("\"" + std::string(key) + "\" is missing or has more than one number");
  return values[0];
}

}  // namespace sluice::gbdt
