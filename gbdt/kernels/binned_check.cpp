#include <algorithm>

#include "sluice/gbdt/kernels/binned_forest.h"

namespace sluice::gbdt {
namespace {

/// Checks the range of every index in the structures. Keeps the first fault.
class Checks {
 public:
  Checks(const Forest& forest, const BinnedForest& binned)
      : forest_(forest), bins_(binned.bins), rows_(binned.rows), planes_(binned.planes) {}

  std::string run() {
    check_bins();
    if (rows_.exist()) check_rows();
    if (planes_.exist()) check_planes();
    return wrong_;
  }

 private:
  void require(bool is_right, const char* what, std::size_t at) {
    if (!is_right && wrong_.empty()) wrong_ = std::string(what) + " " + std::to_string(at);
  }

  void check_bins() {
    require(bins_.n_columns() <= kMaxColumns, "columns", bins_.n_columns());
    require(bins_.coarse.size() == kCutsABlock * bins_.columns.size(), "coarse cuts", bins_.coarse.size());
    for (std::size_t c = 0; c < bins_.columns.size(); ++c) {
      const Column& column = bins_.columns[c];
      require(column.feature < forest_.n_features && column.n_rows >= 1 && column.n_rows <= kCutsABlock &&
                  (std::size_t{column.first_row} + column.n_rows) * kCutsABlock <= bins_.fine.size(),
              "column", c);
    }
    for (std::size_t c = 0; c < bins_.category_columns.size(); ++c) {
      const CategoryColumn& column = bins_.category_columns[c];
      require(column.feature < forest_.n_features &&
                  (column.n_words == 0 || column.n_words == 1 || column.n_words == 2 || column.n_words == 4),
              "category column", c);
    }
  }

  void check_category(const CategoryNode& node, std::size_t n_places, const char* what, std::size_t at) {
    const bool is_column = node.column >= bins_.columns.size() && node.column < bins_.n_columns();
    require(is_column && node.feature < forest_.n_features && node.set < forest_.category_sets.size() &&
                node.place < n_places && std::size_t{node.first_word} + 4 <= bins_.category_words.size(),
            what, at);
  }

  void check_rows() {
    const auto& levels = rows_.tier_levels;
    require(levels.size() <= kMaxTiers && levels[0] <= kMaxLevels && (levels[0] > 0 || levels.size() == 1),
            "levels of tier", 0);
    for (std::size_t s = 1; s < levels.size(); ++s) require(levels[s] == kMaxLevels, "levels of tier", s);
    const std::size_t n_columns = bins_.n_columns();
    const std::uint8_t mark = n_columns <= kMarkedColumns ? kMarkedColumns : 0;
    for (std::size_t b = 0; b < rows_.nodes.size(); ++b)
      for (const std::uint8_t column : rows_.nodes[b].column)
        require(static_cast<std::uint8_t>(column & ~mark) < std::max<std::size_t>(1, n_columns), "columns of block", b);
    check_lanes();
    for (std::size_t b = 0; b < rows_.blocks.size(); ++b) check_block(rows_.blocks[b], b);
    if (rows_.are_stumps())
      check_stumps();
    else if (levels.size() == 1)
      require(rows_.blocks.size() == forest_.n_trees() && rows_.nodes.size() == forest_.n_trees() &&
                  rows_.exits.size() == forest_.n_trees() << levels[0],
              "whole blocks", rows_.blocks.size());
    else
      check_tiers();
  }

  void check_stumps() {
    const std::size_t n = (forest_.n_trees() + RowBlocks::kStumpsABlock - 1) / RowBlocks::kStumpsABlock;
    require(
        rows_.blocks.size() == n && rows_.nodes.size() == n && rows_.exits.size() == 2 * RowBlocks::kStumpsABlock * n,
        "blocks of stumps", rows_.blocks.size());
  }

  void check_lanes() {
    const CategoryLanes& lanes = rows_.lanes;
    const std::size_t n = lanes.word.size();
    require(n % 8 == 0 && lanes.column.size() == n && lanes.base.size() == n && lanes.place.size() == n, "lanes", n);
    for (std::size_t k = 0; k < n; ++k)
      require(lanes.column[k] < std::max<std::size_t>(1, bins_.n_columns()) && lanes.place[k] < 64, "lane", k);
    for (std::size_t k = 0; k < rows_.categories.size(); ++k)
      check_category(rows_.categories[k], 64, "category of rows", k);
  }

  void check_block(const Block& block, std::size_t b) {
    require(block.nodes < rows_.nodes.size() &&
                std::size_t{block.first_lane} + block.n_lanes <= rows_.lanes.word.size() && block.n_lanes % 8 == 0 &&
                std::size_t{block.first_category} + block.n_categories <= rows_.categories.size(),
            "block", b);
  }

  /// Each tier's exits are block numbers of the next tier; those of the last tier are leaves.
  void check_tiers() {
    std::vector<std::uint32_t> open;
    for (std::size_t t = 0; t < forest_.n_trees(); ++t) open.push_back(static_cast<std::uint32_t>(t));
    for (std::size_t s = 0; s < rows_.tier_levels.size() && wrong_.empty(); ++s) {
      std::vector<std::uint32_t> next;
      for (const std::uint32_t b : open) {
        if (b >= rows_.blocks.size()) return require(false, "block of a tier", b);
        check_exits(b, s, next);
      }
      std::sort(next.begin(), next.end());
      next.erase(std::unique(next.begin(), next.end()), next.end());
      open = std::move(next);
    }
  }

  /// A pass-through block has one exit, and no split that could lead to another.
  void check_exits(std::uint32_t b, std::size_t tier, std::vector<std::uint32_t>& next) {
    const Block& block = rows_.blocks[b];
    if (block.nodes >= rows_.nodes.size()) return;
    const BlockNodes& nodes = rows_.nodes[block.nodes];
    const bool is_passage = block.n_lanes == 0 && block.n_categories == 0 &&
                            std::all_of(nodes.cut, nodes.cut + 64, [](std::int8_t cut) { return cut == kNoCut; });
    const std::size_t n = is_passage && tier > 0 ? 1 : std::size_t{1} << rows_.tier_levels[tier];
    require(block.exits + n <= rows_.exits.size(), "exits of block", b);
    if (block.exits + n > rows_.exits.size() || tier + 1 == rows_.tier_levels.size()) return;
    next.insert(next.end(), &rows_.exits[block.exits], &rows_.exits[block.exits] + n);
  }

  void check_planes() {
    const std::size_t n_parts = planes_.parts.size() - 1;
    require(planes_.first_part.size() == forest_.n_trees() + 1 && planes_.first_part.back() == n_parts &&
                std::is_sorted(planes_.first_part.begin(), planes_.first_part.end()),
            "parts of trees", planes_.first_part.size());
    for (std::size_t p = 0; p < n_parts && wrong_.empty(); ++p) check_part(p);
  }

  void check_part(std::size_t p) {
    const PlanePart &part = planes_.parts[p], &next = planes_.parts[p + 1];
    const bool is_list = part.levels == PlanePart::kList;
    require(is_list ? planes_.have_lists : part.levels <= kMaxLevels, "levels of part", p);
    require(std::size_t{part.first_leaf} + kMaxLeaves <= planes_.leaves.size(), "leaves of part", p);
    require(part.first_node <= next.first_node && next.first_node <= planes_.nodes.size() &&
                part.first_category <= next.first_category && next.first_category <= planes_.categories.size(),
            "nodes of part", p);
    if (!wrong_.empty()) return;
    const std::size_t n_places = is_list ? kMaxSplitsAList : std::size_t{1} << part.levels;
    for (std::uint32_t k = part.first_node; k < next.first_node; ++k) {
      const PlaneNode& node = planes_.nodes[k];
      require(node.column < std::max<std::size_t>(1, bins_.n_columns()) && node.excluded <= bins_.columns.size() &&
                  node.place < n_places && node.left < n_places && node.right < n_places,
              "split of planes", k);
    }
    for (std::uint32_t k = part.first_category; k < next.first_category; ++k)
      check_category(planes_.categories[k], n_places, "category of planes", k);
  }

  const Forest& forest_;
  const Bins& bins_;
  const RowBlocks& rows_;
  const Planes& planes_;
  std::string wrong_;
};

}  // namespace

std::string BinnedForest::check(const Forest& forest) const { return Checks(forest, *this).run(); }

}  // namespace sluice::gbdt
