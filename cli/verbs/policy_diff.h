#pragma once
/// `sluice policy diff`.

#include "sluice/cli/verbs.h"

namespace sluice::cli {

int run_policy_diff(const Arguments& arguments);

}  // namespace sluice::cli
