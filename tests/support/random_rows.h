#pragma once
/// Random rows of the naive schema: difficult numbers, words known and unknown, missing cells.

#include <array>

#include "sluice/base/random.h"
#include "support/naive_rules.h"

namespace sluice::test::naive {

inline constexpr std::array<const char*, 3> kIds = {"a-1", "b-2", "c\\\"3"};  // with escapes, as between quotes

inline double random_number(Random& random) {
  static constexpr double kNumbers[] = {0, 1, 2, 0.5, 3, -3, 7, 24, 100, 5000, 0.1, -0.25, 1e300, 2.5};
  return kNumbers[random.below(std::size(kNumbers))];
}

inline Words random_word(Random& random, const std::vector<std::string>& vocabulary) {
  if (random.below(6) == 0) return Words();
  if (random.below(6) > 0) return Words({vocabulary[random.below(vocabulary.size())]});
  std::vector<std::string> others = {"elsewhere 1", "elsewhere 2"};
  for (const auto* words : {&kIpWords, &kCardWords})
    for (const auto& word : *words)
      if (std::find(vocabulary.begin(), vocabulary.end(), word) == vocabulary.end()) others.push_back(word);
  return others;
}

inline Row random_row(Random& random) {
  const auto maybe = [&](double x) { return random.below(5) ? Number(x) : Number(); };
  Row row;
  for (const char* name : {"amount", "fee", "price", "ratio", "n items", "age", "wait"})
    row.numbers[name] = maybe(random_number(random));
  for (const char* name : {"opened", "now"})
    row.numbers[name] = maybe(1.5e9 + 3600.0 * static_cast<double>(random.below(5)));
  for (const char* name : {"p_forest", "p_network"}) row.numbers[name] = maybe(random.uniform());
  for (const char* name : {"ip_country", "home"}) row.words[name] = random_word(random, kIpWords);
  row.words["card_country"] = random_word(random, kCardWords);
  for (const char* name : {"sender", "receiver"})
    row.words[name] = random.below(5) ? Words({kIds[random.below(3)]}) : Words();
  return row;
}

}  // namespace sluice::test::naive
