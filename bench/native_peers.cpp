/// Peers of the forest bench that are called without Python: native_peers FOLDER NAME=PATH...
///
/// The names are those that bench/peers/prepare_native.py prints. Libraries are opened at run time, so that nothing of
/// theirs is needed to build. Prints the JSON lines that bench/gbdt_table.py reads; a peer whose library is not named
/// is skipped.

#include <dlfcn.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include "bench_case.h"
#include "bench_timing.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"

namespace {

using namespace sluice;
using namespace sluice::bench;

constexpr std::size_t kSingles = 1024, kShapRows = 64;

struct Library {
  explicit Library(const std::string& path) : handle(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle == nullptr) throw Error("bench.library", dlerror());
  }
  template <class Function>
  Function* find(const char* name) const {
    void* const found = dlsym(handle, name);
    if (found == nullptr) throw Error("bench.library", std::string("there is no ") + name);
    return reinterpret_cast<Function*>(found);
  }
  void* handle;
};

/// The C interfaces say 0 for success.
void check(int code, const char* what) {
  if (code != 0) throw Error("bench.peer", std::string(what) + " failed");
}

struct Peer {
  std::string name, version;

  void print(const char* work, Timing t, double difference) const {
    const std::string number = difference < 0 ? "null" : std::to_string(difference);
    std::printf(
        R"({"peer": "%s", "version": "%s", "work": "%s", "us": %.4f, "low": %.4f, "high": %.4f, "difference": %s})"
        "\n",
        name.c_str(), version.c_str(), work, t.median, t.low, t.high, number.c_str());
    std::fflush(stdout);
  }
};

double largest_difference(const float* actual, const std::vector<float>& expected) {
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i])));
  return worst;
}

union Entry {  // TL2cgen's
  int missing;
  float value;
  int category;
};

void bench_tl2cgen(const Peer& peer, const Library& library, BatchView rows, const std::vector<float>& expected) {
  const auto predict = library.find<void(Entry*, int, float*)>("predict");
  std::vector<Entry> entries(rows.n_columns);
  const auto margin_of = [&](std::size_t i) {  // from raw floats: filling the entries is part of the call
    for (std::size_t c = 0; c < rows.n_columns; ++c) {
      const float x = rows.row(i)[c];
      if (std::isnan(x))
        entries[c].missing = -1;
      else
        entries[c].value = x;
    }
    float margin = 0;
    predict(entries.data(), 1, &margin);
    return margin;
  };
  std::vector<float> margins(rows.n_rows);
  const auto all = [&] {
    for (std::size_t i = 0; i < rows.n_rows; ++i) margins[i] = margin_of(i);
  };
  const Timing batch = time_in_turns({{all, rows.n_rows}}, 9)[0];
  const double difference = largest_difference(margins.data(), expected);
  peer.print("batch", batch, difference);
  peer.print("one row", time_calls(4 * kSingles, [&](std::size_t i) { margins[0] = margin_of(i % kSingles); }),
             difference);
}

std::string array_of(BatchView rows) {
  return R"({"data": [)" + std::to_string(reinterpret_cast<std::uintptr_t>(rows.data)) + R"(, true], "shape": [)" +
         std::to_string(rows.n_rows) + ", " + std::to_string(rows.n_columns) + R"(], "typestr": "<f4", "version": 3})";
}

void bench_xgboost(const Peer& peer, const Library& library, const std::string& model, BatchView rows,
                   const std::vector<float>& expected) {
  using Handle = void*;
  Handle booster = nullptr;
  check(library.find<int(const Handle*, std::uint64_t, Handle*)>("XGBoosterCreate")(nullptr, 0, &booster),
        "XGBoosterCreate");
  check(library.find<int(Handle, const char*)>("XGBoosterLoadModel")(booster, model.c_str()), "XGBoosterLoadModel");
  check(library.find<int(Handle, const char*, const char*)>("XGBoosterSetParam")(booster, "nthread", "1"),
        "XGBoosterSetParam");
  const auto from_dense =
      library.find<int(Handle, const char*, const char*, Handle, const std::uint64_t**, std::uint64_t*, const float**)>(
          "XGBoosterPredictFromDense");
  const auto make_matrix = library.find<int(const char*, const char*, Handle*)>("XGDMatrixCreateFromDense");
  const auto free_matrix = library.find<int(Handle)>("XGDMatrixFree");
  const auto from_matrix =
      library.find<int(Handle, Handle, const char*, const std::uint64_t**, std::uint64_t*, const float**)>(
          "XGBoosterPredictFromDMatrix");
  const std::uint64_t* shape = nullptr;
  std::uint64_t n_dimensions = 0;
  const float* out = nullptr;
  const auto margins = [&](BatchView part) {
    check(
        from_dense(
            booster, array_of(part).c_str(),
            R"({"type": 1, "training": false, "iteration_begin": 0, "iteration_end": 0, "strict_shape": false, "missing": NaN, "cache_id": 0})",
            nullptr, &shape, &n_dimensions, &out),
        "XGBoosterPredictFromDense");
  };
  const auto contribs = [&](BatchView part) {
    Handle matrix = nullptr;
    check(make_matrix(array_of(part).c_str(), R"({"missing": NaN, "nthread": 1})", &matrix),
          "XGDMatrixCreateFromDense");
    check(from_matrix(
              booster, matrix,
              R"({"type": 2, "training": false, "iteration_begin": 0, "iteration_end": 0, "strict_shape": false})",
              &shape, &n_dimensions, &out),
          "XGBoosterPredictFromDMatrix");
    free_matrix(matrix);
  };
  const Timing batch = time_in_turns({{[&] { margins(rows); }, rows.n_rows}}, 9)[0];
  const double difference = largest_difference(out, expected);
  peer.print("batch", batch, difference);
  peer.print("one row", time_calls(kSingles, [&](std::size_t i) { margins(rows.slice(i, 1)); }), difference);
  peer.print("SHAP batch", time_in_turns({{[&] { contribs(rows.slice(0, kShapRows)); }, kShapRows}}, 3)[0], difference);
  peer.print("SHAP one row", time_calls(kShapRows, [&](std::size_t i) { contribs(rows.slice(i, 1)); }), difference);
}

/// Of another model, its twin: the numbers cannot be compared.
void bench_lightgbm(const Peer& peer, const Library& library, const std::string& twin, BatchView rows) {
  using Handle = void*;
  constexpr int kFloat32 = 0, kRawScore = 1, kContrib = 3;
  constexpr const char* kOneThread = "num_threads=1";
  Handle booster = nullptr, fast = nullptr;
  int n_rounds = 0;
  std::int64_t n_out = 0;
  check(library.find<int(const char*, int*, Handle*)>("LGBM_BoosterCreateFromModelfile")(twin.c_str(), &n_rounds,
                                                                                         &booster),
        "LGBM_BoosterCreateFromModelfile");
  const auto n_columns = static_cast<std::int32_t>(rows.n_columns);
  check(library.find<int(Handle, int, int, int, int, std::int32_t, const char*, Handle*)>(
            "LGBM_BoosterPredictForMatSingleRowFastInit")(booster, kRawScore, 0, -1, kFloat32, n_columns, kOneThread,
                                                          &fast),
        "LGBM_BoosterPredictForMatSingleRowFastInit");
  const auto predict_row =
      library.find<int(Handle, const void*, std::int64_t*, double*)>("LGBM_BoosterPredictForMatSingleRowFast");
  const auto predict = library.find<int(Handle, const void*, int, std::int32_t, std::int32_t, int, int, int, int,
                                        const char*, std::int64_t*, double*)>("LGBM_BoosterPredictForMat");
  std::vector<double> out(rows.n_rows * (rows.n_columns + 1));
  const auto run = [&](std::size_t n, int what) {
    check(predict(booster, rows.data, kFloat32, static_cast<std::int32_t>(n), n_columns, 1, what, 0, -1, kOneThread,
                  &n_out, out.data()),
          "LGBM_BoosterPredictForMat");
  };
  peer.print("batch", time_in_turns({{[&] { run(rows.n_rows, kRawScore); }, rows.n_rows}}, 9)[0], -1);
  peer.print("one row",
             time_calls(kSingles, [&](std::size_t i) { predict_row(fast, rows.row(i).data(), &n_out, out.data()); }),
             -1);
  peer.print("SHAP batch", time_in_turns({{[&] { run(kShapRows, kContrib); }, kShapRows}}, 3)[0], -1);
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 2; i < argc; ++i)
    if (const char* const equals = std::strchr(argv[i], '='))
      given[std::string(argv[i], static_cast<std::size_t>(equals - argv[i]))] = equals + 1;
  const std::string folder = argc > 1 ? argv[1] : ".";
  const Case data = read_case(folder);
  const std::string bytes = read_file(folder + "/margins.f32");
  std::vector<float> expected(bytes.size() / sizeof(float));
  std::memcpy(expected.data(), bytes.data(), bytes.size());
  const auto bench = [&](const char* library, const char* name, const auto& run) {
    try {
      if (!given.contains(library)) throw Error("bench.library", "its library was not given");
      run(Peer{name, given[std::string(library) + "_version"]}, Library(given[library]));
    } catch (const std::exception& error) {
      std::printf(R"({"peer": "%s", "skipped": "%s"})"
                  "\n",
                  name, error.what());
    }
  };
  const BatchView rows = data.rows.view();
  bench("tl2cgen", "TL2cgen", [&](const Peer& p, const Library& l) { bench_tl2cgen(p, l, rows, expected); });
  bench("xgboost", "XGBoost",
        [&](const Peer& p, const Library& l) { bench_xgboost(p, l, folder + "/model.json", rows, expected); });
  bench("lightgbm", "LightGBM", [&](const Peer& p, const Library& l) { bench_lightgbm(p, l, given["twin"], rows); });
}
