#include "sluice/gbdt/shap.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>

#include "sluice/base/error.h"
#include "sluice/gbdt/kernels/binned_kernel.h"
#include "sluice/gbdt/kernels/walk.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/shap/shap_audit.h"
#include "sluice/gbdt/shap/shap_kernel.h"
#include "sluice/gbdt/tree_shap.h"

namespace sluice::gbdt {
namespace {

constexpr std::size_t kBlocks = 16;  // blocks that share a pass over the trees
// Size of the keys and sums of a pass, so that they stay in the second-level cache.
constexpr std::size_t kRowBytes = 256 * 1024;
constexpr std::size_t kTrees = 48;  // heaps per pass: their constants stay in the cache too

const ShapKernel& kernel_for(Kernel kernel) {
#if defined(__x86_64__)
  if (kernel == Kernel::avx512 || kernel == Kernel::avx512_vbmi) return shap_kernel_avx512();
  if (kernel == Kernel::avx2) return shap_kernel_avx2();
#endif
  return shap_kernel_scalar();
}

/// The first 64-byte line of a buffer that has 16 elements to spare.
template <class T>
T* aligned(std::vector<T>& buffer) {
  void* start = buffer.data();
  std::size_t space = buffer.size() * sizeof(T);
  return static_cast<T*>(std::align(64, 0, start, space));
}

/// The rows [0, n) of one piece: the state of every block.
struct Pass {
  const Forest& forest;
  const ShapState& state;
  const ShapKernel& kernel;
  std::size_t keys_size = std::max<std::size_t>(1, state.n_columns()) * kBlockRows;
  std::size_t phi_size = std::max<std::size_t>(1, state.n_slots()) * kBlockRows;

  std::size_t rows() const {
    const std::size_t bytes = (keys_size + phi_size) * sizeof(float);
    return std::clamp<std::size_t>(kRowBytes / bytes, 1, kBlocks) * kBlockRows;
  }

  /// Leaves phi [block][slot][width].
  void run(BatchView rows, std::vector<float>& sums) const {
    const std::size_t n_blocks = (rows.n_rows + kBlockRows - 1) / kBlockRows;
    std::vector<std::int32_t> key_buffer(n_blocks * keys_size + kBlockRows);
    std::vector<float> scratch(state.deep.empty() ? 0 : deep_scratch(state, kBlockRows) + kBlockRows);
    sums.assign(n_blocks * phi_size + kBlockRows, 0.0f);
    std::int32_t* keys = aligned(key_buffer);
    float* phi = aligned(sums);
    for (std::size_t b = 0; b < n_blocks; ++b) {
      const std::size_t first = b * kBlockRows;
      shap_keys(forest, state, rows.slice(first, std::min(kBlockRows, rows.n_rows - first)), kBlockRows,
                keys + b * keys_size);
    }
    for (std::size_t tree = 0; tree < state.n_heaps(); tree += kTrees)
      for (std::size_t b = 0; b < n_blocks; ++b)
        kernel.heaps(state, tree, std::min(tree + kTrees, state.n_heaps()), keys + b * keys_size, phi + b * phi_size);
    for (const std::uint32_t tree : state.deep)
      for (std::size_t b = 0; b < n_blocks; ++b)
        kernel.walk(state, state.trees[tree], keys + b * keys_size, phi + b * phi_size, scratch.data());
  }
};

/// Adds the bias to a row's values and returns whether each group's sum equals its margin, to float32 rounding.
template <class Out>
bool finish_row(const ShapState& state, const float* margins, Out* out) {
  bool is_close = true;
  for (std::size_t group = 0; group < state.n_groups; ++group, out += state.n_features + 1) {
    double sum = state.bias[group], magnitude = 1 + std::abs(sum);
    for (std::size_t f = 0; f < state.n_features; ++f) {
      sum += static_cast<double>(out[f]);
      magnitude += std::abs(static_cast<double>(out[f]));
    }
    out[state.n_features] = static_cast<Out>(state.bias[group]);
    is_close = is_close && std::abs(sum - static_cast<double>(margins[group])) <= magnitude * 0x1p-20;
  }
  return is_close;
}

template <class Out>
std::size_t run_single(const Pass& pass, BatchView rows, std::size_t first_row, std::span<const float> margins,
                       Out* out) {
  const ShapState& state = pass.state;
  std::vector<float> sums;
  pass.run(rows, sums);
  const float* phi = aligned(sums);
  std::size_t n_recomputed = 0;
  const std::size_t width = kBlockRows, n_out = state.n_groups * (state.n_features + 1);
  for (std::size_t i = 0; i < rows.n_rows; ++i, out += n_out) {
    const float* lane = phi + i / width * pass.phi_size + i % width;
    for (std::size_t group = 0; group < state.n_groups; ++group)
      for (std::size_t f = 0; f < state.n_features; ++f, lane += width)
        out[group * (state.n_features + 1) + f] = static_cast<Out>(*lane);
    const float* row_margins = margins.data() + i * state.n_groups;
    if (finish_row(state, row_margins, out)) continue;
    ++n_recomputed;
    ShapAudit(pass.forest, state).row(rows.row(i), row_margins, first_row + i, out);
  }
  return n_recomputed;
}

template <class Out>
void run_audit(const Pass& pass, BatchView rows, std::size_t first_row, std::span<const float> margins, Out* out) {
  ShapAudit audit(pass.forest, pass.state);
  const std::size_t n_out = pass.state.n_groups * (pass.state.n_features + 1);
  for (std::size_t i = 0; i < rows.n_rows; ++i)
    audit.row(rows.row(i), margins.data() + i * pass.state.n_groups, first_row + i, out + i * n_out);
}

template <class Out>
ShapReport run(const Forest& forest, const ShapTables& tables, BatchView rows, std::span<Out> out,
               const ShapOptions& options) {
  const ShapState& state = tables.state();
  check_shap_tables(forest, state);
  check_columns(forest, rows.n_columns);
  check_output(out.size(), attribution_size(forest, rows.n_rows));
  const bool is_audit = options.precision == Precision::audit;
  ShapReport report{resolve(options.kernel), options.precision, tables.counts()};
  if (is_audit) report.kernel = Kernel::scalar;
  const Pass pass{forest, state, kernel_for(report.kernel)};
  const std::size_t size = pass.rows(), n_pieces = (rows.n_rows + size - 1) / size;
  std::atomic<std::size_t> n_recomputed = 0;
  const auto piece = [&](std::size_t k) {
    const std::size_t first = k * size;
    const BatchView part = rows.slice(first, std::min(size, rows.n_rows - first));
    std::vector<float> margins(part.n_rows * forest.n_groups);
    predict(forest, part, margins);
    Out* to = out.data() + attribution_size(forest, first);
    if (is_audit)
      run_audit(pass, part, first, margins, to);
    else
      n_recomputed += run_single(pass, part, first, margins, to);
  };
  if (options.pool != nullptr && n_pieces > 1)
    options.pool->run(n_pieces, piece);
  else
    for (std::size_t k = 0; k < n_pieces; ++k) piece(k);
  report.n_recomputed = n_recomputed;
  return report;
}

/// The function that evaluates all splits of a row at once if all trees are heaps of one tier; otherwise null.
auto left_bits_for(const Forest& forest, const ShapState& state, Kernel kernel) -> decltype(BinnedKernel::left_bits) {
  const bool is_fit = state.deep.empty() && !state.has_missing_zeros && has_method(forest, kernel, Method::rows) &&
                      forest.binned->rows.are_heaps();
  return is_fit ? binned_kernel(kernel)->left_bits : nullptr;
}

/// The parts of the workspace for one row.
struct WorkspaceSizes {
  std::size_t left_bits, keys, cells;

  explicit WorkspaceSizes(const ShapState& state) {
    const bool has_deep = !state.deep.empty();
    left_bits = (state.n_heaps() + 15) / 16 * 64;
    keys = (state.n_columns() + 1) * (has_deep ? 1 + kBlockRows : 1);
    cells = kBlockRows + state.n_cells() + state.n_slots() + state.n_groups +
            (has_deep ? state.n_slots() * kBlockRows + deep_scratch(state, kBlockRows) : 0);
  }
};

void check_workspace(const ShapState& state, const ShapWorkspace& workspace) {
  const WorkspaceSizes needed(state);
  if (workspace.left_bits.size() < needed.left_bits || workspace.keys.size() < needed.keys ||
      workspace.cells.size() < needed.cells)
    throw Error("shape.workspace", "the workspace was made for smaller attribution tables",
                "make a ShapWorkspace of these tables");
}

/// Sums eight slots at a time: each is a chain of additions in a fixed order, and parallel chains hide their latency.
void add_cells(const ShapState& state, const float* cells, float* phi) {
  constexpr std::size_t kChains = 8;
  const std::uint32_t* places = state.cells.data();
  for (std::size_t k = 0; k < state.slots.size(); k += kChains) {
    const std::size_t n = std::min(kChains, state.slots.size() - k);
    const SlotCells* slots = &state.slots[k];
    float sums[kChains] = {};
    const std::uint32_t n_common = n == kChains ? slots[kChains - 1].count : 0;
    for (std::uint32_t i = 0; i < n_common; ++i) {
#pragma GCC unroll 8
      for (std::size_t c = 0; c < kChains; ++c) sums[c] += cells[places[slots[c].first + i]];
    }
    for (std::size_t c = 0; c < n; ++c) {
      for (std::uint32_t i = n_common; i < slots[c].count; ++i) sums[c] += cells[places[slots[c].first + i]];
      phi[slots[c].slot] = sums[c];
    }
  }
}

}  // namespace

ShapReport shap(const Forest& forest, const ShapTables& tables, BatchView rows, std::span<float> out,
                const ShapOptions& options) {
  return run(forest, tables, rows, out, options);
}

ShapReport shap(const Forest& forest, const ShapTables& tables, BatchView rows, std::span<double> out,
                const ShapOptions& options) {
  return run(forest, tables, rows, out, options);
}

ShapWorkspace::ShapWorkspace(const ShapTables& tables) {
  const WorkspaceSizes sizes(tables.state());
  left_bits.resize(sizes.left_bits);
  keys.resize(sizes.keys);
  cells.resize(sizes.cells);
}

ShapReport shap_row(const Forest& forest, const ShapTables& tables, std::span<const float> row, std::span<float> out,
                    ShapWorkspace& workspace, Kernel kernel) {
  const ShapState& state = tables.state();
  check_shap_tables(forest, state);
  check_columns(forest, row.size());
  check_output(out.size(), attribution_size(forest, 1));
  check_workspace(state, workspace);
  ShapReport report{resolve(kernel), Precision::single, tables.counts()};
  const ShapKernel& lanes = kernel_for(report.kernel);
  const BatchView view(row);

  float* cells = aligned(workspace.cells);
  float *phi = cells + state.n_cells(), *margins = phi + state.n_slots(), *sums = margins + state.n_groups;
  const std::uint16_t* left_bits = nullptr;
  if (const auto write_left_bits = left_bits_for(forest, state, report.kernel)) {
    write_left_bits(forest, row.data(), workspace.left_bits.data());
    left_bits = workspace.left_bits.data();
  } else {
    shap_keys(forest, state, view, 1, workspace.keys.data());
  }
  lanes.row(state, workspace.keys.data(), left_bits, cells);
  std::fill_n(phi, state.n_slots(), 0.0f);
  add_cells(state, cells, phi);
  if (!state.deep.empty()) {
    std::int32_t* keys = workspace.keys.data() + state.n_columns();
    shap_keys(forest, state, view, kBlockRows, keys);
    for (std::size_t slot = 0; slot < state.n_slots(); ++slot)
      std::fill_n(sums + slot * kBlockRows, kBlockRows, phi[slot]);
    for (const std::uint32_t tree : state.deep)
      lanes.walk(state, state.trees[tree], keys, sums, sums + state.n_slots() * kBlockRows);
    for (std::size_t slot = 0; slot < state.n_slots(); ++slot) phi[slot] = sums[slot * kBlockRows];
  }
  for (std::size_t group = 0; group < state.n_groups; ++group)
    std::copy_n(phi + group * state.n_features, state.n_features, out.data() + group * (state.n_features + 1));
  predict_row(forest, row, {margins, state.n_groups});
  if (!finish_row(state, margins, out.data())) {
    report.n_recomputed = 1;
    ShapAudit(forest, state).row(row, margins, 0, out.data());
  }
  return report;
}

}  // namespace sluice::gbdt
