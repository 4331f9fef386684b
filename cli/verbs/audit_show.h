#pragma once
/// `sluice audit show` and `sluice audit export`.

#include "sluice/cli/verbs.h"

namespace sluice::cli {

int run_audit_show(const Arguments& arguments);
int run_audit_export(const Arguments& arguments);

}  // namespace sluice::cli
