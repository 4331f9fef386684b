#pragma once
/// `sluice bundle create`.

#include "sluice/cli/verbs.h"

namespace sluice::cli {

int create_bundle(const Arguments& arguments);

}  // namespace sluice::cli
