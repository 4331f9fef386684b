#pragma once
/// Instruction sets that this folder's kernels are written for. Every kernel gives the same margins to the bit.

#include <string_view>
#include <vector>

namespace sluice::gbdt {

enum class Kernel { automatic, scalar, avx2, avx512, avx512_vbmi };

/// How a kernel goes about it (docs/kernels.md): `walk` is scalar's own, the others have `rows` for few rows and
/// `planes` for many. Every method gives the same margins to the bit.
enum class Method { automatic, walk, rows, planes };

/// The kernels that this processor has, slowest first; `scalar` is always there.
std::vector<Kernel> kernels();

/// "auto", "scalar", "avx2", "avx512", "avx512-vbmi".
std::string_view to_string(Kernel kernel);
/// Throws Error{kernel.name} with the names there are.
Kernel parse_kernel(std::string_view name);

/// "auto", "walk", "rows", "planes".
std::string_view to_string(Method method);
/// Throws Error{kernel.method} with the names there are.
Method parse_method(std::string_view name);

/// `kernel` itself, or the fastest that this processor has for `automatic`.
/// Throws Error{kernel.unavailable} where a kernel is named that this processor lacks: never a silent fallback.
Kernel resolve(Kernel kernel);

}  // namespace sluice::gbdt
