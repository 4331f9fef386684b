#pragma once
/// Asynchronous copies to shared memory, in groups.

#include "cuda_runtime_api.h"

inline void __pipeline_memcpy_async(void* to, const void* from, std::size_t n_bytes) {
  cuda_emulator::copy_later(to, from, n_bytes);
}
inline void __pipeline_commit() { cuda_emulator::commit_copies(); }
inline void __pipeline_wait_prior(std::size_t n_left) { cuda_emulator::wait_for_copies(n_left); }
