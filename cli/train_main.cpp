#include <cstdio>

#include "sluice/cli/verbs.h"
#include "sluice/gbdt/train/booster.h"
#ifdef SLUICE_HAVE_TORCH
#include "sluice/dnn/train/trainer.h"
#endif

namespace {

/// Prints one line per library, such as "xgboost 1.7.4", for `sluice doctor`.
int print_versions(const sluice::cli::Arguments&) {
  std::printf("xgboost %s\n", sluice::gbdt::xgboost_version().c_str());
#ifdef SLUICE_HAVE_TORCH
  std::printf("torch %s\n", sluice::dnn::torch_version().c_str());
#endif
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace sluice::cli;
  return run_program("sluice-train",
                     {{"train", "learn a cascade and write a bundle", run_train},
                      {"versions", "print the versions of its libraries", print_versions}},
                     argc, argv);
}
