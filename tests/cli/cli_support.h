#pragma once
/// Runs the real program as a user would, in a working folder in which every verb's example runs.

#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "sluice/base/file.h"
#include "support/temp_dir.h"

namespace sluice::test {

struct Run {
  int exit_code = -1;
  std::string out, err;
};

/// Runs the shell command in `folder`; `sluice` in it is the program under test.
inline Run run(const std::filesystem::path& folder, const std::string& command) {
  const std::string program_folder = std::filesystem::path(SLUICE_PROGRAM).parent_path().string();
  const std::string line = "cd '" + folder.string() + "' && export PATH='" + program_folder + "':\"$PATH\" && { " +
                           command + "\n} >.out 2>.err </dev/null";
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(folder / ".out"),
          read_file(folder / ".err")};
}

/// The command below "Example:" in a verb's --help.
inline std::string example_of(const std::string& help) {
  const auto at = help.find("Example:");
  if (at == std::string::npos) return "";
  const auto first = help.find_first_not_of(" \n", at + 8);
  return help.substr(first, help.find('\n', first) - first);
}

/// A folder with examples/, transactions.csv and, if this build can train, a small trained bundle/. Made once per test
/// program.
inline const std::filesystem::path& working_folder() {
  static const TempDir folder;
  static const bool made = [] {
    std::filesystem::create_directory_symlink(std::filesystem::path(SLUICE_SOURCE_DIR) / "examples",
                                              folder / "examples");
    run(folder.path(), "sluice simulate --rows 8000 --seed 3 --out transactions.csv --quiet");
#ifdef SLUICE_CAN_TRAIN
    write_file(
        folder / "train.json",
        R"({"forest": {"search": 1, "folds": 2, "max_rounds": 40}, "network": {"members": [{"kind": "tabm", "hidden": [16], "paths": 4, "kept": 2}], "max_epochs": 3}, "band": {"min_z": -1e9}})");
    const Run trained = run(folder.path(),
                            "sluice train --data transactions.csv --label fraud --schema examples/schema.json --rules "
                            "examples/rules --config train.json --out bundle --quiet");
    run(folder.path(),
        "sluice score --bundle bundle --data transactions.csv --id transaction_id --out logged.csv --audit log "
        "--quiet");
    if (trained.exit_code != 0) std::fprintf(stderr, "the test bundle could not be trained: %s\n", trained.err.c_str());
#endif
    return true;
  }();
  (void)made;
  return folder.path();
}

inline bool has_bundle() { return std::filesystem::exists(working_folder() / "bundle"); }

}  // namespace sluice::test
