#pragma once
/// Runs the Python verifier as a third party would.

#include <sys/wait.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "sluice/audit/signature.h"
#include "sluice/base/digest.h"
#include "sluice/base/file.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace sluice::test {

struct Answer {
  int exit_code;
  nlohmann::json json;
};

inline Answer ask_python(const TempDir& dir, const std::string& arguments,
                         const std::string& script = "verify_log.py") {
  const std::string line = "python3 -B '" SLUICE_SOURCE_DIR "/audit/verify/" + script + "' " + arguments + " > '" +
                           (dir / "answer").string() + "' 2> '" + (dir / "error").string() + "'";
  const int status = std::system(line.c_str());
  INFO(read_file(dir / "error"));
  REQUIRE(WIFEXITED(status));
  return {WEXITSTATUS(status), nlohmann::json::parse(read_file(dir / "answer"), nullptr, false)};
}

/// Checks a proof as `sluice audit prove` writes it.
inline Answer python_check(const TempDir& dir, const std::string& proof, const audit::PublicKey& key) {
  write_file(dir / "proof", proof);
  const std::string hex = audit::to_hex({reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()});
  return ask_python(dir, "--key " + hex + " '" + (dir / "proof").string() + "'", "verify_proof.py");
}

inline Answer python_verify(const std::filesystem::path& folder) {
  const TempDir dir;
  return ask_python(dir, "'" + folder.string() + "'");
}

}  // namespace sluice::test
