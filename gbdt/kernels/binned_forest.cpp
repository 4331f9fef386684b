#include "sluice/gbdt/kernels/binned_forest.h"

#include "sluice/gbdt/kernels/binned_columns.h"

namespace sluice::gbdt {
namespace {

template <class... Items>
std::size_t bytes_of(const std::vector<Items>&... items) {
  return ((items.size() * sizeof(Items)) + ...);
}

}  // namespace

std::size_t BinnedForest::memory_bytes() const {
  const CategoryLanes& lanes = rows.lanes;
  return bytes_of(bins.columns, bins.category_columns, bins.category_words, bins.coarse, bins.fine) +
         bytes_of(rows.nodes, rows.blocks, rows.exits, rows.categories) +
         bytes_of(lanes.word, lanes.column, lanes.base, lanes.place) +
         bytes_of(planes.first_part, planes.parts, planes.nodes, planes.categories, planes.leaves);
}

std::shared_ptr<BinnedForest> bin_forest(const Forest& forest) {
  ColumnMap columns(forest);
  if (forest.trees.empty() || columns.n_columns() > kMaxColumns) return nullptr;
  auto binned = std::make_shared<BinnedForest>();
  columns.write(binned->bins);
  add_row_blocks(forest, columns, *binned);
  add_planes(forest, columns, *binned);
  binned->bins.category_words.resize(binned->bins.category_words.size() + 4);
  return binned->rows.exist() || binned->planes.exist() ? binned : nullptr;
}

}  // namespace sluice::gbdt
