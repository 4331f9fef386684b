#pragma once
/// Card transactions with frauds in them: the data that Sluice brings along.
///
/// After the simulator of the "Fraud Detection Handbook" (Le Borgne, Siblini, Lebichot and Bontempi, 2022): customers
/// use the terminals around their home; terminals and cards get compromised for weeks. Beside it here: bursts of high
/// amounts, a fraud that no single column shows, drift over months, mislabelled rows, and columns that would be bought
/// only for doubtful cases.
///
/// Every feature is as of its transaction: it is made from earlier rows alone, and fraud rates from those labelled by
/// then, 7 days after the transaction. All text is in time order. The column `scenario` says how a row came to be and
/// is a leak, never a feature: 0 genuine, 1 compromised terminal, 2 compromised card, 3 burst of high amounts, 4 odd in
/// distance, hour and amount together, 5 genuine but labelled fraud. Some 4 % of the frauds are labelled genuine and
/// keep their scenario.

#include <cstdint>
#include <functional>
#include <string_view>

#include "sluice/base/progress.h"
#include "sluice/base/schema.h"

namespace sluice::io {

struct SimulateOptions {
  std::uint64_t n_rows = 200'000;  // some six months of them; beyond ten million, longer
  std::uint64_t seed = 1;
  double start = 1'704'067'200;  // 2024-01-01T00:00:00Z, seconds since 1970; the day's start is taken
};

/// CSV text with a header, given to `write` piece by piece. The same options give the same bytes; how they are cut
/// means nothing. Memory grows with the population (at most 50,000 customers) and 37 days of its transactions, not with
/// the rows. Throws what `write` throws, and Error{interrupted}.
void simulate(const SimulateOptions& options, const std::function<void(std::string_view)>& write,
              const Progress& progress = {});

/// The columns that simulate writes, in its order, without `fraud` (the label, 0 or 1) and `scenario`.
/// device_risk, merchant_watch and velocity_network are late; customer_age is protected.
Schema simulated_schema();

}  // namespace sluice::io
