#include "sluice/dnn/cuda/error.h"

#include "sluice/base/error.h"

namespace sluice::dnn::cuda {
namespace {

std::string hint_of(std::string_view code) {
  if (code == "device.unavailable") return "use --device cpu; a process forked from one that used CUDA sees no device";
  if (code == "device.driver") return "install a driver that supports this build's CUDA version, or use --device cpu";
  if (code == "device.out_of_memory") return "lower the memory share, the batch or the number of slots";
  if (code == "device.lost") return "restart the process; until then the CPU serves";
  return "";
}

}  // namespace

std::string_view code_of(cudaError_t error) {
  switch (error) {
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
    case cudaErrorInitializationError:
    case cudaErrorDevicesUnavailable:
    case cudaErrorDeviceNotLicensed:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
      return "device.unavailable";
    case cudaErrorInsufficientDriver:
    case cudaErrorCallRequiresNewerDriver:
    case cudaErrorStubLibrary:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorCompatNotSupportedOnDevice:
    case cudaErrorSystemNotReady:
      return "device.driver";
    case cudaErrorMemoryAllocation:
      return "device.out_of_memory";
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContextIsDestroyed:
    case cudaErrorCudartUnloading:
      return "device.lost";
    default:
      return "device.failed";
  }
}

void raise(cudaError_t error, std::string_view what) {
  const std::string code(code_of(error));
  throw Error(code, "CUDA failed to " + std::string(what) + ": " + cudaGetErrorString(error), hint_of(code));
}

}  // namespace sluice::dnn::cuda
