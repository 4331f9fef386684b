#include <sys/resource.h>
#include <time.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <thread>

#include "sluice/base/json_text.h"
#include "sluice/cascade/bundle_stage.h"
#include "sluice/cli/common_options.h"
#include "sluice/cli/verbs.h"
#include "sluice/dnn/executor.h"
#include "sluice/gbdt/kernel.h"
#include "sluice/gbdt/self_check.h"

namespace sluice::cli {
namespace {

struct Finding {
  std::string what, state, detail, mend;  // state: ok, degraded, missing
};

std::string output_of(const std::string& command) {
  std::string text;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return text;
  std::array<char, 256> chunk;
  while (std::fgets(chunk.data(), chunk.size(), pipe)) text += chunk.data();
  pclose(pipe);
  return text;
}

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

void find_training(std::vector<Finding>& findings) {
  const auto program = train_program();
  const std::string versions =
      program.empty() ? "" : output_of(shell_quoted(program.string()) + " versions 2>/dev/null");
  const auto version_of = [&](const std::string& library) {
    std::istringstream lines(versions);
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(library + " ")) return line.substr(library.size() + 1);
    return std::string();
  };
  for (const auto& [what, library, package] :
       {std::array<std::string, 3>{"XGBoost (training)", "xgboost", "libxgboost-dev"},
        {"LibTorch (training)", "torch", "libtorch-dev"}}) {
    const std::string version = version_of(library);
    findings.push_back({what, version.empty() ? "missing" : "ok",
                        version.empty() ? "scoring works without it" : version,
                        version.empty() ? "apt-get install " + package + ", then build again" : ""});
  }
  if (program.empty()) return;
  // Debian's LibTorch is 25 times slower with reference BLAS, which the alternatives system picks if no other BLAS is
  // installed.
  const std::string libraries = output_of("ldd " + shell_quoted(program.string()) + " 2>/dev/null");
  const bool is_openblas =
      libraries.find("openblas") != std::string::npos ||
      std::filesystem::read_symlink("/etc/alternatives/libblas.so.3-x86_64-linux-gnu").string().find("openblas") !=
          std::string::npos;
  findings.push_back({"BLAS", is_openblas ? "ok" : "degraded",
                      is_openblas ? "OpenBLAS" : "not OpenBLAS: training may be slow",
                      is_openblas ? "" : "apt-get install libopenblas0-pthread"});
}

std::string joined(const std::vector<std::string>& texts, const char* between) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : between) + text;
  return out;
}

/// Checks the forest kernels on generated forests, and on those of a bundle.
void find_forest_kernels(const std::string& bundle, std::vector<Finding>& findings) {
  std::vector<std::string> names;
  for (const auto kernel : gbdt::kernels()) names.emplace_back(to_string(kernel));
  const std::vector<std::string> wrong = gbdt::self_check();
  findings.push_back({"forest kernels", wrong.empty() ? "ok" : "degraded",
                      wrong.empty() ? joined(names, ", ") + ": same margins as the plain walk" : joined(wrong, "; "),
                      ""});
  if (bundle.empty()) return;
  const auto loaded = load_bundle(bundle, {});
  const std::vector<std::string> warnings = all_warnings(*loaded, *make_bundle_forest(*loaded));
  findings.push_back({"bundle's forests", warnings.empty() ? "ok" : "degraded",
                      warnings.empty() ? "every method gives the plain walk's margins" : joined(warnings, "; "), ""});
}

std::vector<Finding> examine(const std::string& bundle) {
  std::vector<Finding> findings;
  std::string kernels;
  for (const auto kernel : dnn::dense_kernels())
    kernels += (kernels.empty() ? "" : ", ") + std::string(to_string(kernel));
  findings.push_back({"CPU kernels", kernels.find("avx2") != std::string::npos ? "ok" : "degraded", kernels, ""});
  find_forest_kernels(bundle, findings);
  findings.push_back({"processors", "ok", std::to_string(std::thread::hardware_concurrency()), ""});
  try {
    find_training(findings);
  } catch (const std::filesystem::filesystem_error&) {
    findings.push_back({"BLAS", "degraded", "cannot be determined", ""});
  }
  const bool has_driver = std::filesystem::exists("/proc/driver/nvidia/version");
  findings.push_back(
      {"CUDA driver", has_driver ? "ok" : "missing", has_driver ? "present" : "networks run on the CPU", ""});
  findings.push_back({"CUDA in this build", dnn::has_cuda_executor() ? "ok" : "missing",
                      dnn::has_cuda_executor() ? "networks can run on a CUDA device" : "networks run on the CPU",
                      dnn::has_cuda_executor() ? "" : "build with SLUICE_WITH_CUDA=ON"});
  timespec resolution{};
  clock_getres(CLOCK_MONOTONIC, &resolution);
  findings.push_back({"clock", resolution.tv_nsec <= 1000 ? "ok" : "degraded",
                      std::to_string(resolution.tv_nsec) + " ns resolution", ""});
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  findings.push_back({"open files", files.rlim_cur >= 1024 ? "ok" : "degraded",
                      "limit " + std::to_string(files.rlim_cur), files.rlim_cur >= 1024 ? "" : "ulimit -n 4096"});
  return findings;
}

}  // namespace

int run_doctor(const Arguments& arguments) {
  CommonOptions common;
  Options options(
      "doctor",
      "Reports what this build and this machine can do: each item ok, degraded or missing, with the command that fixes "
      "it.",
      "sluice doctor --bundle bundle");
  std::string bundle;
  options.text("--bundle", bundle, "also check the forests of this bundle");
  common.add_json(options);
  if (!options.parse(arguments)) return 0;
  const auto findings = examine(bundle);
  if (common.json) {
    std::string text;
    JsonText json(text);
    json.open('[');
    for (const auto& f : findings)
      json.open('{')
          .field("what", std::string_view(f.what))
          .field("state", std::string_view(f.state))
          .field("detail", std::string_view(f.detail))
          .field("fix", std::string_view(f.mend))
          .close('}');
    json.close(']');
    std::cout << text << "\n";
    return 0;
  }
  for (const auto& f : findings) {
    std::cout << std::left << std::setw(20) << f.what << ' ' << std::setw(9) << f.state << ' ' << f.detail << '\n';
    if (!f.mend.empty()) std::cout << std::string(31, ' ') << "fix: " << f.mend << '\n';
  }
  return 0;
}

}  // namespace sluice::cli
