#pragma once
/// Simulated card transactions with frauds: Sluice's built-in data set.
///
/// It follows the simulator of the "Fraud Detection Handbook" (Le Borgne, Siblini, Lebichot and Bontempi, 2022):
/// customers use the terminals around their home; terminals and cards are compromised for weeks. It adds bursts of high
/// amounts, a fraud that no single column shows, drift over months, mislabelled rows, and columns that would be bought
/// only for uncertain cases.
///
/// Every feature is as of its transaction: it uses earlier rows only, and fraud rates use only rows labelled by then,
/// 7 days after the transaction. All text is in time order. The column `scenario` is the origin of a row. It is a leak
/// and never a feature: 0 genuine, 1 compromised terminal, 2 compromised card, 3 burst of high amounts, 4 unusual in
/// distance, hour and amount together, 5 genuine but labelled fraud. Some 4 % of the frauds are labelled genuine and
/// keep their scenario.
/// Thread-safety: functions are thread-safe; `write` is called from the calling thread.

#include <cstdint>
#include <functional>
#include <string_view>

#include "sluice/base/progress.h"
#include "sluice/base/schema.h"

namespace sluice::io {

struct SimulateOptions {
  std::uint64_t n_rows = 200'000;  // about six months of rows; above ten million, a longer period
  std::uint64_t seed = 1;
  double start = 1'704'067'200;  // 2024-01-01T00:00:00Z, seconds since 1970; rounded down to the start of the day
};

/// Passes CSV text with a header to `write` piece by piece. The same options give the same bytes; where the pieces end
/// has no meaning. Memory grows with the population (at most 50,000 customers) and 37 days of its transactions, not
/// with the rows. Throws what `write` throws, and Error{interrupted}.
void simulate(const SimulateOptions& options, const std::function<void(std::string_view)>& write,
              const Progress& progress = {});

/// The columns that simulate writes, in its order, without `fraud` (the label, 0 or 1) and `scenario`.
/// device_risk, merchant_watch and velocity_network are late; customer_age is protected.
Schema simulated_schema();

}  // namespace sluice::io
