#pragma once
/// The real data sets and the inputs of former bugs, next to the repository. They are not part of it: tests that need
/// them report a skip and pass without them.

#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

namespace sluice::test {

/// The file's path, or nullopt after printing "SKIP <name>".
inline std::optional<std::filesystem::path> shared_data(const std::string& name) {
  const auto path = std::filesystem::path(SLUICE_SHARED_DATA) / name;
  if (std::filesystem::exists(path)) return path;
  std::cout << "SKIP " << name << ": ../shared/data is missing\n";
  return std::nullopt;
}

/// The folder of a former bug's input, in the same way.
inline std::optional<std::filesystem::path> shared_case(const std::string& name) {
  const auto path = std::filesystem::path(SLUICE_SHARED_DATA).parent_path() / "cases" / name;
  if (std::filesystem::exists(path)) return std::filesystem::canonical(path);
  std::cout << "SKIP " << name << ": ../shared/cases is missing\n";
  return std::nullopt;
}

}  // namespace sluice::test
