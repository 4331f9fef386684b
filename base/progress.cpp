#include "sluice/base/progress.h"

#include "sluice/base/error.h"

namespace sluice {

void report(const Progress& progress, std::string_view what, std::uint64_t done, std::uint64_t total) {
  if (progress && !progress(what, done, total))
    throw Error("interrupted", "stopped on request; the output was not written");
}

}  // namespace sluice
