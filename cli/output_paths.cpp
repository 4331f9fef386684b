#include "sluice/cli/output_paths.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "sluice/base/diagnostic.h"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

/// The path without links and detours; empty if it is none, or a pipe or device.
fs::path real_path(const std::string& text) {
  std::error_code error;
  if (text.empty() || text == "-" || text.size() > 4096) return {};
  const fs::path path = fs::weakly_canonical(text, error);
  if (error) return {};
  const auto type = fs::status(path, error).type();
  const bool is_file = type == fs::file_type::regular || type == fs::file_type::directory;
  return is_file || type == fs::file_type::not_found ? path : fs::path();
}

bool contains(const fs::path& folder, const fs::path& path) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

bool is_bundle_or_log(const fs::path& folder) {
  return fs::exists(folder / "manifest.json") || fs::exists(folder / "checkpoints");
}

}  // namespace

std::string conflict_of(const std::vector<NamedPath>& outputs, const std::vector<NamedPath>& inputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const fs::path out = real_path(*outputs[i].path);
    if (out.empty()) continue;
    const auto named = [&](const NamedPath& other) {
      return outputs[i].name + " " + quote(*outputs[i].path) + " and " + other.name + " " + quote(*other.path);
    };
    for (std::size_t k = 0; k < i; ++k)
      if (real_path(*outputs[k].path) == out) return named(outputs[k]) + " are the same file";
    for (const NamedPath& input : inputs) {
      const fs::path in = real_path(*input.path);
      if (in.empty() || !fs::exists(in)) continue;
      if (in == out) return named(input) + " are the same; the output would replace what is read";
      if (fs::is_directory(in) && is_bundle_or_log(in) && contains(in, out))
        return outputs[i].name + " " + quote(*outputs[i].path) + " is inside " + input.name + " " + quote(*input.path);
    }
  }
  return {};
}

}  // namespace sluice::cli
