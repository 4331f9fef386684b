#pragma once
/// The libraries that compute LibTorch's matrix products, and the code that they chose for this processor.
///
/// Thread-safety: the function can be called from any thread.

#include <map>
#include <string>

namespace sluice::dnn {

/// By name, as in a bundle's manifest: `blas` ("OpenBLAS 0.3.21"; "unknown" for one that cannot be asked),
/// `blas_kernel` ("Haswell"; only of OpenBLAS) and `torch_kernel` ("AVX2"). Other kernels add in another order, so that
/// the same training gives other bits.
std::map<std::string, std::string> math_libraries();

}  // namespace sluice::dnn
