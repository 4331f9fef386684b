#include "sluice/gbdt/kernel.h"

#include <algorithm>
#include <array>
#include <string>

#include "sluice/base/error.h"

namespace sluice::gbdt {
namespace {

constexpr std::array kNames = {std::string_view("auto"), std::string_view("scalar"), std::string_view("avx2"),
                               std::string_view("avx512"), std::string_view("avx512-vbmi")};
constexpr std::array kMethods = {std::string_view("auto"), std::string_view("walk"), std::string_view("rows"),
                                 std::string_view("planes")};

bool has([[maybe_unused]] Kernel kernel) {
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (kernel == Kernel::avx2) return avx2;
  if (kernel == Kernel::avx512) return avx512;
  if (kernel == Kernel::avx512_vbmi) return avx512 && __builtin_cpu_supports("avx512vbmi");
#endif
  return kernel == Kernel::scalar;
}

}  // namespace

std::vector<Kernel> kernels() {
  std::vector<Kernel> out;
  for (const auto kernel : {Kernel::scalar, Kernel::avx2, Kernel::avx512, Kernel::avx512_vbmi})
    if (has(kernel)) out.push_back(kernel);
  return out;
}

std::string_view to_string(Kernel kernel) { return kNames[static_cast<std::size_t>(kernel)]; }

Kernel parse_kernel(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end())
    throw Error("kernel.name", "unknown kernel \"" + std::string(name) + "\"",
                "use auto, scalar, avx2, avx512 or avx512-vbmi");
  return static_cast<Kernel>(found - kNames.begin());
}

std::string_view to_string(Method method) { return kMethods[static_cast<std::size_t>(method)]; }

Method parse_method(std::string_view name) {
  const auto found = std::find(kMethods.begin(), kMethods.end(), name);
  if (found == kMethods.end())
    throw Error("kernel.method", "unknown method \"" + std::string(name) + "\"", "use auto, walk, rows or planes");
  return static_cast<Method>(found - kMethods.begin());
}

Kernel resolve(Kernel kernel) {
  if (kernel == Kernel::automatic) {
    for (const auto fastest : {Kernel::avx512_vbmi, Kernel::avx512, Kernel::avx2})
      if (has(fastest)) return fastest;
    return Kernel::scalar;
  }
  if (has(kernel)) return kernel;
  std::string names;
  for (const Kernel one : kernels()) names += (names.empty() ? "" : ", ") + std::string(to_string(one));
  throw Error("kernel.unavailable", "this processor cannot run the kernel " + std::string(to_string(kernel)),
              "use one of " + names);
}

}  // namespace sluice::gbdt
