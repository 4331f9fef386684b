#pragma once
/// Training runs in a separate program, so that `sluice` itself loads neither LibTorch nor libxgboost and starts in
/// milliseconds.

#include <filesystem>

namespace sluice::cli {

/// Path of the sluice-train next to this program; empty if there is none.
std::filesystem::path train_program();

}  // namespace sluice::cli
