#include "sluice/base/batch.h"
#include "sluice/gbdt/forest.h"
