// gbdt may not see rules: this must not compile.
#include "sluice/rules/action.h"
