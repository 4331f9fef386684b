#pragma once
/// Instruction sets that this folder's kernels are written for. Every kernel gives the same margins to the bit.
/// Thread-safety: all functions are thread-safe.

#include <string_view>
#include <vector>

namespace sluice::gbdt {

enum class Kernel { automatic, scalar, avx2, avx512, avx512_vbmi };

/// The method of a kernel (docs/kernels.md): `scalar` has only `walk`; the others have `rows` for few rows and `planes`
/// for many. Every method gives the same margins to the bit.
enum class Method { automatic, walk, rows, planes };

/// The kernels that this processor can run, slowest first; `scalar` is always among them.
std::vector<Kernel> kernels();

/// "auto", "scalar", "avx2", "avx512", "avx512-vbmi".
std::string_view to_string(Kernel kernel);
/// Throws Error{kernel.name}; the hint lists the names.
Kernel parse_kernel(std::string_view name);

/// "auto", "walk", "rows", "planes".
std::string_view to_string(Method method);
/// Throws Error{kernel.method}; the hint lists the names.
Method parse_method(std::string_view name);

/// `kernel` itself, or for `automatic` the fastest that this processor can run.
/// Throws Error{kernel.unavailable} if this processor cannot run the named kernel: never a silent fallback.
Kernel resolve(Kernel kernel);

}  // namespace sluice::gbdt
