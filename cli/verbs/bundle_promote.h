#pragma once
/// `sluice bundle promote`.

#include "sluice/cli/verbs.h"

namespace sluice::cli {

int promote_bundle(const Arguments& arguments);

}  // namespace sluice::cli
