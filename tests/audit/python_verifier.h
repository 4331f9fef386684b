#pragma once
/// The second verifier, run as a third party would.

#include <sys/wait.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "sluice/base/file.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace sluice::test {

struct Answer {
  int exit_code;
  nlohmann::json json;
};

inline Answer ask_python(const TempDir& dir, const std::string& arguments) {
  const std::string line = "python3 '" SLUICE_SOURCE_DIR "/audit/verify_log.py' " + arguments + " > '" +
                           (dir / "answer").string() + "' 2> '" + (dir / "error").string() + "'";
  const int status = std::system(line.c_str());
  INFO(read_file(dir / "error"));
  REQUIRE(WIFEXITED(status));
  return {WEXITSTATUS(status), nlohmann::json::parse(read_file(dir / "answer"), nullptr, false)};
}

inline Answer python_verify(const std::filesystem::path& folder) {
  const TempDir dir;
  return ask_python(dir, "'" + folder.string() + "'");
}

}  // namespace sluice::test
