#pragma once
/// Training runs in a program of its own, so that `sluice` itself loads neither LibTorch nor libxgboost: it starts in
/// milliseconds.

#include <filesystem>

namespace sluice::cli {

/// The sluice-train beside this program; empty where there is none.
std::filesystem::path train_program();

}  // namespace sluice::cli
