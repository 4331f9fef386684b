#include "sluice/cli/verbs.h"
#include "sluice/base/error.h"
namespace sluice::cli {
int run_explain(const Arguments&) { throw Error("x", "y"); }
}
