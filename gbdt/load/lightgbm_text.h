#pragma once
/// The lines of a LightGBM text model: "key=value" in sections. Not installed.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::gbdt {

/// One section: the header, or a tree. Getters throw Error{forest.lightgbm} naming file, section and key.
class LightgbmSection {
 public:
  /// Reads lines up to the first empty one and removes them from `rest`.
  LightgbmSection(std::string_view& rest, std::string name, std::string_view source);

  bool has(std::string_view key) const { return find(key) != nullptr; }
  std::string_view text(std::string_view key) const;
  std::vector<std::string_view> words(std::string_view key) const;  // empty if the key is absent
  std::vector<double> numbers(std::string_view key) const;
  std::vector<std::int64_t> integers(std::string_view key) const;
  std::int64_t integer(std::string_view key) const;

  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail_tree(const std::string& node, const std::string& what) const;  // Error{forest.tree}
  [[noreturn]] void refuse(const std::string& what, const char* hint) const;            // Error{forest.unsupported}
  std::string_view source() const { return source_; }

 private:
  const std::string_view* find(std::string_view key) const;

  std::vector<std::pair<std::string_view, std::string_view>> lines_;
  std::string name_;
  std::string_view source_;
};

}  // namespace sluice::gbdt
