#include "sluice/base/error.h"
#include "sluice/dnn/cuda/cuda_executor.h"

namespace sluice::dnn {

std::unique_ptr<Executor> make_cuda_executor(std::shared_ptr<const Network>, const CudaOptions&) {
  throw Error("device.unavailable", "this build has no CUDA executor", "use --device cpu or auto");
}

bool has_cuda_executor() { return false; }

}  // namespace sluice::dnn
