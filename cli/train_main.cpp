#include <cstdio>

#include "sluice/cli/verbs.h"
#include "sluice/gbdt/train/booster.h"
#ifdef SLUICE_HAVE_TORCH
#include "sluice/dnn/train/trainer.h"
#endif

namespace {

/// "xgboost 1.7.4", "torch 1.13.1": a line each, for `sluice doctor`.
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
  return run_program(
      "sluice-train",
      {{"train", "learn a cascade", run_train}, {"versions", "libraries it was built with", print_versions}}, argc,
      argv);
}
