#include "sluice/gbdt/predict.h"

#include <atomic>

#include "sluice/base/stack_buffer.h"
#include "sluice/gbdt/kernels/binned_kernel.h"
#include "sluice/gbdt/kernels/predict_walk.h"
#include "sluice/gbdt/kernels/vet.h"
#include "sluice/gbdt/kernels/walk.h"
#include "sluice/gbdt/linear.h"
#include "sluice/gbdt/predict_exact.h"

namespace sluice::gbdt {
namespace {

// With fewer rows, one row at a time is faster than 64 in parallel (script/bench gbdt).
constexpr std::size_t kFewRows = 48;

using Run = Ran (*)(const MarginJob&);

/// What runs: a function, and the identity that it must return.
struct Choice {
  Run run;
  Ran ran;
};

[[noreturn]] void refuse(Kernel kernel, Method method) {
  std::string what = kernel == Kernel::automatic ? "" : "the kernel " + std::string(to_string(kernel));
  if (method != Method::automatic)
    what += (what.empty() ? "the method " : " with the method ") + std::string(to_string(method));
  throw Error("kernel.forest", what + " does not support this forest",
              "use the kernel scalar or auto: they support every forest (docs/kernels.md)");
}

/// Whether a kernel can compute these bins by one of its methods.
bool takes(const BinnedForest& binned, const BinnedKernel& functions, Kernel kernel, Method method) {
  if ((binned.refused & refusal_of(kernel, method)) != 0) return false;
  if (method == Method::rows) return binned.rows.exist() && binned.bins.n_columns() <= functions.max_row_columns;
  return binned.planes.exist() && (functions.has_lists || !binned.planes.have_lists);
}

/// The rule of docs/kernels.md: planes for many rows, otherwise all splits of a block at once if its columns fit the
/// registers, otherwise a walk.
Choice choose(const Forest& forest, std::size_t n_rows, Kernel wanted, Method method) {
  const Kernel kernel = resolve(wanted);
  const BinnedKernel* const functions = binned_kernel(kernel);
  if (functions != nullptr && forest.binned != nullptr) {
    const auto may = [&](Method one) {
      return (method == Method::automatic || method == one) && takes(*forest.binned, *functions, kernel, one);
    };
    const bool has_rows = may(Method::rows);
    const bool are_many = n_rows >= kFewRows || (!has_rows && wanted != Kernel::automatic);
    if ((are_many || method == Method::planes) && may(Method::planes))
      return {functions->planes, {kernel, Method::planes}};
    if (has_rows) return {functions->rows, {kernel, Method::rows}};
  }
  const bool may_walk = wanted == Kernel::automatic || wanted == Kernel::scalar;
  if (!may_walk || (method != Method::automatic && method != Method::walk)) refuse(wanted, method);
  return {predict_walk, {Kernel::scalar, Method::walk}};
}

/// Returns the identity that the blocks report.
Ran run(const Choice& choice, const MarginJob& job, ThreadPool* pool) {
  const std::size_t n_blocks = (job.rows.n_rows + kPlaneRows - 1) / kPlaneRows;
  std::atomic<Ran> ran = choice.ran;
  const auto run_block = [&](std::size_t block) {
    const std::size_t first = block * kPlaneRows;
    ran.store(choice.run(job.slice(first, std::min(kPlaneRows, job.rows.n_rows - first))), std::memory_order_relaxed);
  };
  if (pool != nullptr && n_blocks > 1)
    pool->run(n_blocks, run_block);
  else
    for (std::size_t block = 0; block < n_blocks; ++block) run_block(block);
  return ran;
}

/// The forests whose margins are not float32 sums of trees: gblinear's and LightGBM's.
bool is_special(const Forest& forest) { return !forest.linear.empty() || !forest.exact_values.empty(); }

/// For such a forest: all of its trees, and LightGBM's own base margin; there is only one method.
Ran predict_special(const Forest& forest, BatchView rows, std::span<float> out, TreeRange trees,
                    std::span<const float> base_margin, Kernel kernel, Method method) {
  if (kernel != Kernel::automatic || method != Method::automatic) choose(forest, rows.n_rows, kernel, method);
  if (trees.first != 0 || trees.last != forest.n_trees() || (forest.linear.empty() && !base_margin.empty()))
    throw Error("forest.unsupported",
                "only XGBoost forests have margins of a part of the trees or on other base margins");
  if (!forest.linear.empty()) {
    predict_linear(forest, rows, out, base_margin);
    return {};
  }
  StackBuffer<double, 64> margins(forest.n_groups);
  for (std::size_t i = 0; i < rows.n_rows; ++i) {
    predict_exact(forest, rows.slice(i, 1), margins.span());
    std::transform(margins.data(), margins.data() + forest.n_groups, out.data() + i * forest.n_groups,
                   [](double margin) { return static_cast<float>(margin); });
  }
  return {};
}

TreeRange checked_range(const Forest& forest, TreeRange trees) {
  if (trees.last == TreeRange::npos) trees.last = forest.n_trees();
  if (trees.first > trees.last || trees.last > forest.n_trees())
    throw Error("shape.trees", "trees " + std::to_string(trees.first) + " to " + std::to_string(trees.last) +
                                   " of a forest with " + std::to_string(forest.n_trees()));
  return trees;
}

void check_ends(const Forest& forest, std::span<const std::size_t> ends) {
  if (forest.n_groups != 1)
    throw Error("shape.groups",
                "margins after part of the trees need a forest with one group, not " + std::to_string(forest.n_groups));
  if (!std::is_sorted(ends.begin(), ends.end()))
    throw Error("shape.trees", "the ends of the prefixes must be ascending");
  if (!ends.empty()) checked_range(forest, {0, ends.back()});
}

void check_base_margin(const Forest& forest, std::size_t n_rows, std::span<const float> base_margin) {
  if (!base_margin.empty() && base_margin.size() != output_size(forest, n_rows))
    throw Error("shape.base_margin", std::to_string(base_margin.size()) + " base margins for " +
                                         std::to_string(n_rows) + " rows of " + std::to_string(forest.n_groups) +
                                         " groups");
}

}  // namespace

const BinnedKernel* binned_kernel([[maybe_unused]] Kernel kernel) {
#if defined(__x86_64__)
  if (kernel == Kernel::avx2) return &binned_kernel_avx2();
  if (kernel == Kernel::avx512) return &binned_kernel_avx512();
  if (kernel == Kernel::avx512_vbmi) return &binned_kernel_avx512_vbmi();
#endif
  return nullptr;
}

MarginJob MarginJob::slice(std::size_t first_row, std::size_t n_rows) const {
  MarginJob part = *this;
  part.rows = rows.slice(first_row, n_rows);
  part.start += first_row * start_stride;
  part.out += first_row * ends.size() * forest->n_groups;
  return part;
}

void prepare(Forest& forest) {
  if (is_special(forest))
    forest.binned = nullptr;
  else
    adopt(forest, bin_forest(forest));
}

std::size_t output_size(const Forest& forest, std::size_t n_rows) { return n_rows * forest.n_groups; }

bool has_method(const Forest& forest, Kernel kernel, Method method) {
  if (kernel == Kernel::scalar || method == Method::walk) return kernel == Kernel::scalar && method == Method::walk;
  const BinnedKernel* const functions = binned_kernel(kernel);
  return functions != nullptr && forest.binned != nullptr && takes(*forest.binned, *functions, kernel, method);
}

Ran choice_of(const Forest& forest, std::size_t n_rows, Kernel kernel, Method method) {
  return choose(forest, n_rows, kernel, method).ran;
}

Ran predict(const Forest& forest, BatchView rows, std::span<float> out, const PredictOptions& options) {
  check_columns(forest, rows.n_columns);
  check_output(out.size(), output_size(forest, rows.n_rows));
  check_base_margin(forest, rows.n_rows, options.base_margin);
  const TreeRange trees = checked_range(forest, options.trees);
  if (is_special(forest))
    return predict_special(forest, rows, out, trees, options.base_margin, options.kernel, options.method);
  const Choice choice = choose(forest, rows.n_rows, options.kernel, options.method);

  MarginJob job{&forest, rows, trees.first, {&trees.last, 1}, forest.base_margin.data(), 0, out.data()};
  if (!options.base_margin.empty()) {
    job.start = options.base_margin.data();
    job.start_stride = forest.n_groups;
  }
  return run(choice, job, options.pool);
}

Ran predict_row(const Forest& forest, std::span<const float> row, std::span<float> margins, Kernel kernel,
                Method method) {
  check_columns(forest, row.size());
  check_output(margins.size(), forest.n_groups);
  const std::size_t end = forest.n_trees();
  if (is_special(forest)) return predict_special(forest, BatchView(row), margins, {0, end}, {}, kernel, method);
  return choose(forest, 1, kernel, method)
      .run({&forest, BatchView(row), 0, {&end, 1}, forest.base_margin.data(), 0, margins.data()});
}

Ran predict_prefixes(const Forest& forest, BatchView rows, std::span<const std::size_t> ends, std::span<float> out,
                     Kernel kernel, Method method) {
  check_columns(forest, rows.n_columns);
  check_ends(forest, ends);
  if (is_special(forest))
    throw Error("forest.unsupported", "only XGBoost forests have margins after part of the trees");
  check_output(out.size(), rows.n_rows * ends.size());
  return run(choose(forest, rows.n_rows, kernel, method),
             {&forest, rows, 0, ends, forest.base_margin.data(), 0, out.data()}, nullptr);
}

}  // namespace sluice::gbdt
