#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "sluice/base/error.h"
#include "sluice/cli/verbs.h"

namespace sluice::cli {

std::filesystem::path train_program() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto program = self.parent_path() / "sluice-train";
  return !error && std::filesystem::exists(program) ? program : std::filesystem::path();
}

int run_train(const Arguments& arguments) {
  const auto program = train_program();
  if (program.empty())
    throw Error("train.unavailable", "this build cannot train: there is no sluice-train next to sluice",
                "build with XGBoost and LibTorch (script/setup installs them)");
  std::vector<std::string> words = {program.string(), "train"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  throw Error("train.unavailable", program.string() + ": " + std::strerror(errno));
}

}  // namespace sluice::cli
