#pragma once
/// `sluice bundle encode`.

#include "sluice/cli/verbs.h"

namespace sluice::cli {

int encode_rows(const Arguments& arguments);

}  // namespace sluice::cli
