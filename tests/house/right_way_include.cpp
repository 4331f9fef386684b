#include "sluice/gbdt/forest.h"
#include "sluice/base/batch.h"
