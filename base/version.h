#pragma once
/// The library's version, as CMakeLists.txt has it.
///
/// Thread-safety: a constant.

namespace sluice {

/// "0.1.0": semantic versioning.
const char* version();

}  // namespace sluice
