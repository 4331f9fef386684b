#pragma once
/// Shared by the tests of io.

#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/io/record_reader.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace sluice::test {

using Records = std::vector<std::vector<std::string>>;

/// Every remaining record.
inline Records read_all(io::RecordReader& reader) {
  Records records;
  for (std::vector<std::string_view> fields; reader.next(fields);) records.emplace_back(fields.begin(), fields.end());
  return records;
}

/// `work` must throw an Error with this code, whose text contains every part.
inline void require_error(const std::string& code, std::initializer_list<const char*> parts,
                          const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& e) {
    INFO(e.what());
    REQUIRE(e.code() == code);
    for (const char* part : parts) {
      INFO("wanted: " << part);
      REQUIRE(std::string(e.what()).find(part) != std::string::npos);
    }
    return;
  }
  FAIL("nothing thrown; expected " << code);
}

inline std::filesystem::path written(const TempDir& folder, const std::string& name, std::string_view bytes) {
  // Some file systems flush a rewritten file to disk, but not a new one.
  std::filesystem::remove(folder / name);
  std::ofstream(folder / name, std::ios::binary) << bytes;
  return folder / name;
}

}  // namespace sluice::test
