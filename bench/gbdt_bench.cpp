/// The forest bench: makes cases, and times Sluice and Debian's libxgboost on them, in turns, on one thread.
///
///   gbdt_bench case FOLDER [TREES DEPTH FEATURES CLASSES CATEGORIES MISSING [GAMMA [ROWS]]]   trains, writes
///   (bench_case.h) gbdt_bench run FOLDER [--brief]          a JSON line for each work and peer; --brief: batch and one
///   row alone gbdt_bench rows FOLDER FILE ROWS         writes so many rows as CSV gbdt_bench loop FOLDER PEER WORK
///   ROWS    work on so many rows, for those who count instructions

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "bench_case.h"
#include "bench_timing.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/number.h"
#include "sluice/base/thread_pool.h"
#include "sluice/gbdt/interventional.h"
#include "sluice/gbdt/kernels/vet.h"
#include "sluice/gbdt/load_xgboost.h"
#include "sluice/gbdt/predict.h"
#include "sluice/gbdt/shap.h"
#include "sluice/gbdt/train/booster.h"

namespace {

using namespace sluice;
using namespace sluice::gbdt;
using namespace sluice::bench;

constexpr std::size_t kSingles = 1024, kPeerShapRows = 64, kShapSingles = 512;

void print(const std::string& peer, const std::string& kernel, const char* work, Timing t, double difference) {
  std::printf(
      R"({"peer": "%s", "kernel": "%s", "work": "%s", "us": %.4f, "low": %.4f, "high": %.4f, "difference": %.3g})"
      "\n",
      peer.c_str(), kernel.c_str(), work, t.median, t.low, t.high, difference);
  std::fflush(stdout);
}

template <class A, class B>
double largest_difference(const A& a, const B& b, std::size_t n) {
  double worst = 0;
  for (std::size_t k = 0; k < n; ++k)
    worst = std::max(worst, std::abs(static_cast<double>(a[k]) - static_cast<double>(b[k])));
  return worst;
}

struct Bench {
  explicit Bench(const std::string& folder)
      : data(read_case(folder)), forest(load_xgboost(data.model, "model.json")), peer(data.model) {
    xgboost = "XGBoost " + xgboost_version() + " (Debian)";
    margins.resize(output_size(forest, rows().n_rows));
    expected = peer.margins(rows());
  }

  BatchView rows() const { return data.rows.view(); }
  std::size_t width() const { return forest.n_groups * (forest.n_features + 1); }
  std::size_t n_margins() const { return margins.size(); }

  Case data;
  Forest forest;
  ReferenceBooster peer;
  std::string xgboost;
  std::vector<float> margins, expected;
};

/// The kernels that have a method of their own for so many rows of this forest.
std::vector<Kernel> kernels_for(const Forest& forest, std::size_t n_rows) {
  std::vector<Kernel> out;
  for (const Kernel kernel : kernels()) try {
      out.push_back(choice_of(forest, n_rows, kernel).kernel);
    } catch (const Error&) {
      continue;
    }
  return out;
}

void bench_batch(Bench& b) {
  const std::size_t n = b.rows().n_rows;
  const auto used = kernels_for(b.forest, n);
  std::vector<Work> works = {{[&] { b.peer.margins(b.rows()); }, n}};
  for (const Kernel kernel : used)
    works.push_back({[&b, kernel] { predict(b.forest, b.rows(), b.margins, {.kernel = kernel}); }, n});
  const auto times = time_in_turns(works, 11);
  print(b.xgboost, "", "batch", times[0], 0);
  for (std::size_t k = 0; k < used.size(); ++k) {
    predict(b.forest, b.rows(), b.margins, {.kernel = used[k]});
    print("Sluice", std::string(to_string(used[k])), "batch", times[k + 1],
          largest_difference(b.margins, b.expected, b.n_margins()));
  }
}

/// A batch of 65,536: one of 8192 is over in 2 ms, of which waking a thread is a part.
void bench_threads(Bench& b) {
  constexpr std::size_t kTimes = 8;
  const BatchView rows = b.rows();
  FloatTable many(rows.n_columns);
  for (std::size_t i = 0; i < kTimes * rows.n_rows; ++i) {
    const auto row = rows.row(i % rows.n_rows);
    std::copy(row.begin(), row.end(), many.append().begin());
  }
  std::vector<float> margins(output_size(b.forest, many.n_rows()));
  const Kernel kernel = kernels_for(b.forest, many.n_rows()).back();
  ThreadPool pool(2);
  const auto times = time_in_turns(
      {{[&] { predict(b.forest, many.view(), margins, {.kernel = kernel}); }, many.n_rows()},
       {[&] { predict(b.forest, many.view(), margins, {.kernel = kernel, .pool = &pool}); }, many.n_rows()}},
      11);
  print("Sluice", std::string(to_string(kernel)) + ", 1 thread", "threads", times[0], 0);
  print("Sluice", std::string(to_string(kernel)) + ", 2 threads", "threads", times[1], 0);
}

void bench_one_row(Bench& b) {
  std::vector<float> margin(b.forest.n_groups);
  const Timing peer = time_calls(kSingles, [&](std::size_t i) { b.peer.margins(b.rows().slice(i, 1)); });
  print(b.xgboost, "", "one row", peer, 0);
  for (const Kernel kernel : kernels_for(b.forest, 1)) {
    const auto run = [&](std::size_t i) { predict_row(b.forest, b.rows().row(i), margin, kernel); };
    time_calls(kSingles, run);
    const Timing ours = time_calls(4 * kSingles, [&](std::size_t i) { run(i % kSingles); });
    double worst = 0;
    for (std::size_t i = 0; i < kSingles; ++i) {
      run(i);
      worst = std::max(worst, largest_difference(margin, &b.expected[i * margin.size()], margin.size()));
    }
    print("Sluice", std::string(to_string(kernel)), "one row", ours, worst);
  }
}

void bench_shap(Bench& b) {
  const ShapTables tables(b.forest);
  const BatchView few = b.rows().slice(0, kPeerShapRows);
  std::vector<float> phi(b.rows().n_rows * b.width()), expected;
  ShapWorkspace workspace(tables);
  const Timing peer_batch = time_in_turns({{[&] { expected = b.peer.contribs(few); }, few.n_rows}}, 3)[0];
  const Timing peer_row = time_calls(kPeerShapRows, [&](std::size_t i) { b.peer.contribs(b.rows().slice(i, 1)); });
  print(b.xgboost, "", "SHAP batch", peer_batch, 0);
  print(b.xgboost, "", "SHAP one row", peer_row, 0);
  for (const Kernel kernel : {Kernel::avx2, Kernel::avx512}) {
    const auto run = [&](std::size_t i) { shap_row(b.forest, tables, b.rows().row(i), phi, workspace, kernel); };
    const Timing batch = time_in_turns(
        {{[&] { shap(b.forest, tables, b.rows(), std::span<float>(phi), {.kernel = kernel}); }, b.rows().n_rows}},
        7)[0];
    const double worst = largest_difference(phi, expected, expected.size());
    print("Sluice", std::string(to_string(kernel)), "SHAP batch", batch, worst);
    const Timing row = time_calls(4 * kShapSingles, [&](std::size_t i) { run(i % kShapSingles); });
    print("Sluice", std::string(to_string(kernel)), "SHAP one row", row, worst);
  }
}

void bench_interventional(Bench& b) {
  const BatchView rows = b.rows().slice(0, 2048);
  std::vector<double> phi(rows.n_rows * b.width());
  for (const std::size_t n_references : {std::size_t{100}, std::size_t{10'000}}) {
    const InterventionalTables tables(b.forest, b.data.background.view().slice(0, n_references));
    const Timing t = time_in_turns({{[&] { interventional_shap(b.forest, tables, rows, phi); }, rows.n_rows}}, 7)[0];
    print("Sluice", "tables", n_references == 100 ? "interventional 100" : "interventional 10000", t, 0);
  }
}

/// Loading, and the part of it that compares the fast methods with the plain walk.
void bench_load(const Bench& b) {
  Forest forest = b.forest;
  const std::shared_ptr<BinnedForest> binned = bin_forest(forest);
  const auto t =
      time_in_turns({{[&] { load_xgboost(b.data.model, "model.json"); }, 1}, {[&] { adopt(forest, binned); }, 1}}, 9);
  print("Sluice", "", "load", t[0], 0);
  std::printf("{\"memory\": %zu, \"comparing\": %.5f}\n", b.forest.memory_bytes(), t[1].median / t[0].median);
}

void run(const std::string& folder, bool is_brief) {
  Bench b(folder);
  bench_batch(b);
  bench_one_row(b);
  bench_load(b);
  if (is_brief) return;
  bench_threads(b);
  bench_shap(b);
  bench_interventional(b);
}

/// The case's rows over and over, as CSV.
void write_rows(const std::string& folder, const std::string& path, std::size_t n_rows) {
  const Case data = read_case(folder);
  AtomicFile file(path);
  std::string text;
  for (std::size_t c = 0; c < data.shape.n_features; ++c) text += (c > 0 ? ",f" : "f") + std::to_string(c);
  for (std::size_t i = 0; i < n_rows; ++i) {
    const char* before = "\n";
    for (const float cell : data.rows.row(i % data.rows.n_rows())) {
      text += before;
      before = ",";
      if (!std::isnan(cell)) append_number(text, cell);
    }
    if (text.size() < 1 << 20) continue;
    file.write(text);
    text.clear();
  }
  file.write(text += '\n');
  file.commit();
}

/// `peer` is "xgboost" or a kernel's name; `work` is "row" or "batch".
void loop(const std::string& folder, const std::string& peer, const std::string& work, std::size_t n_rows) {
  Bench b(folder);
  if (work == "shap") {
    const ShapTables tables(b.forest);
    std::vector<float> phi(b.rows().n_rows * b.width());
    for (std::size_t done = 0; done < n_rows; done += b.rows().n_rows)
      shap(b.forest, tables, b.rows(), std::span<float>(phi), {.kernel = parse_kernel(peer)});
    return;
  }
  const bool is_batch = work == "batch";
  for (std::size_t done = 0; done < n_rows; done += is_batch ? 512 : 1) {
    const BatchView rows = b.rows().slice(done % b.rows().n_rows, is_batch ? 512 : 1);
    if (peer == "xgboost")
      b.peer.margins(rows);
    else
      predict(b.forest, rows, b.margins, {.kernel = parse_kernel(peer)});
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto number = [&](std::size_t i, std::size_t otherwise) {
    return arguments.size() > i ? static_cast<std::size_t>(std::stoul(arguments[i])) : otherwise;
  };
  if (arguments.size() < 2) throw Error("usage", "gbdt_bench case|run|rows|loop FOLDER ...");
  if (arguments[0] == "case")
    make_case({number(2, 300), number(3, 6), number(4, 64), number(5, 1), number(6, 0) != 0, number(7, 1) != 0,
               arguments.size() > 8 ? std::stod(arguments[8]) : 0.0, number(9, 20'000)},
              arguments[1]);
  else if (arguments[0] == "rows")
    write_rows(arguments[1], arguments.at(2), number(3, 1'000'000));
  else if (arguments[0] == "run")
    run(arguments[1], arguments.size() > 2 && arguments[2] == "--brief");
  else
    loop(arguments[1], arguments.at(2), arguments.at(3), number(4, 1));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
