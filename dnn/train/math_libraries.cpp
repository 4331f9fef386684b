#include "sluice/dnn/train/math_libraries.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <dlfcn.h>

#include <sstream>

namespace sluice::dnn {
namespace {

/// The answer of a function that a loaded library may have. We do not link a BLAS: it is the one that LibTorch links.
std::string ask(const char* function) {
  const auto call = reinterpret_cast<const char* (*)()>(dlsym(RTLD_DEFAULT, function));
  const char* answer = call ? call() : nullptr;
  return answer ? answer : "";
}

/// The line "- CPU capability usage: AVX2" of LibTorch's description of itself, up to 2.0 "- CPU capability: AVX2".
std::string torch_kernel() {
  std::istringstream lines(at::show_config());
  for (std::string line; std::getline(lines, line);)
    if (line.find("CPU capability") != std::string::npos && line.rfind(": ") != std::string::npos)
      return line.substr(line.rfind(": ") + 2);
  return "unknown";
}

}  // namespace

std::map<std::string, std::string> math_libraries() {
  std::map<std::string, std::string> names = {{"blas", "unknown"}, {"torch_kernel", torch_kernel()}};
  std::istringstream words(ask("openblas_get_config"));  // "OpenBLAS 0.3.21 DYNAMIC_ARCH …"
  std::string name, version;
  if (words >> name >> version) {
    names["blas"] = name + " " + version;
    names["blas_kernel"] = ask("openblas_get_corename");
  } else if (at::hasMKL()) {
    names["blas"] = at::get_mkl_version();
  }
  return names;
}

}  // namespace sluice::dnn
