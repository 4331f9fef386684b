// Kernels whose planes give slightly wrong margins. These definitions replace the library's objects.
#include "sluice/gbdt/kernels/binned_kernel.h"
#include "sluice/gbdt/kernels/predict_walk.h"

namespace sluice::gbdt {
namespace {

template <Kernel kKernel>
Ran wrong_planes(const MarginJob& job) {
  predict_walk(job);
  job.out[0] += 0.5f;
  return {kKernel, Method::planes};
}

template <Kernel kKernel>
Ran right_rows(const MarginJob& job) {
  predict_walk(job);
  return {kKernel, Method::rows};
}

template <Kernel kKernel>
constexpr BinnedKernel faulty{wrong_planes<kKernel>, right_rows<kKernel>, nullptr, kMaxNamedColumns, true};

}  // namespace

const BinnedKernel& binned_kernel_avx2() { return faulty<Kernel::avx2>; }
const BinnedKernel& binned_kernel_avx512() { return faulty<Kernel::avx512>; }
const BinnedKernel& binned_kernel_avx512_vbmi() { return faulty<Kernel::avx512_vbmi>; }

}  // namespace sluice::gbdt
