#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "dnn_support.h"
#include "sluice/base/error.h"
#include "sluice/base/number.h"
#include "sluice/dnn/imported.h"
#include "sluice/dnn/parity_sample.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

namespace fs = std::filesystem;

const RandomNetwork& fitted() {
  static const RandomNetwork network = random_network({{.hidden = {4}}}, true, 21);
  return network;
}

dnn::ImportedNetwork imported(const std::string& runtime, const std::string& bytes) {
  return {.encoder = fitted().encoder, .runtime = runtime, .file = "network.txt", .bytes = bytes};
}

std::unique_ptr<dnn::Executor> open_network(const dnn::ImportedNetwork& network, dnn::DeviceChoice device = {}) {
  return dnn::make_imported_executor(network, SLUICE_TEST_PLUGINS, device);
}

/// A bias and weights in tenths, in the format of the linear plug-in.
std::vector<float> some_numbers() {
  std::vector<float> numbers;
  for (std::size_t c = 0; c <= fitted().encoder.n_encoded(); ++c)
    numbers.push_back(0.1f * static_cast<float>(c) - 0.4f);
  return numbers;
}

std::string line_of(const std::vector<float>& numbers) {
  std::string line;
  for (const float x : numbers) line += number_text(x) + " ";
  return line;
}

Error refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& e) {
    return e;
  }
  return Error("", "");
}

std::string description(const std::function<void(nlohmann::json&)>& change = [](auto&) {}) {
  auto json = nlohmann::json::parse(to_json(imported("linear", ""), fitted().schema));
  change(json);
  return json.dump();
}

}  // namespace

TEST_CASE("a plug-in written in C serves its format as documented") {
  const auto numbers = some_numbers();
  const auto executor = open_network(imported("linear", line_of(numbers)));
  CHECK(executor->device() == "cpu");
  CHECK(executor->kernel() == "linear 1");
  for (const std::size_t n : {0, 1, 3, 200}) {
    const FloatTable rows = random_encoded(fitted().encoder, n, 5);
    std::vector<float> margins(n);
    executor->forward(rows.view(), margins);
    for (std::size_t i = 0; i < n; ++i) {
      double expected = numbers[0];
      for (std::size_t c = 0; c < rows.n_columns(); ++c)
        expected += static_cast<double>(numbers[c + 1]) * rows.row(i)[c];
      CHECK(margins[i] == Approx(expected).margin(1e-4));
    }
  }
}

TEST_CASE("rows with a stride give the same margins, and wrong shapes are rejected") {
  const auto executor = open_network(imported("linear", line_of(some_numbers())));
  const std::size_t width = fitted().encoder.n_encoded();
  const FloatTable rows = random_encoded(fitted().encoder, 8, 6);
  std::vector<float> margins(8), every_second(4);
  executor->forward(rows.view(), margins);
  BatchView strided(rows.view().data, 4, width);
  strided.stride = 2 * width;
  executor->forward(strided, every_second);
  for (std::size_t i = 0; i < 4; ++i) CHECK(bits(every_second)[i] == bits(margins)[2 * i]);
  CHECK(refusal([&] { executor->forward({rows.view().data, 8, width - 1}, margins); }).code() == "shape");
  CHECK(refusal([&] { executor->forward(rows.view(), std::span(margins).first(7)); }).code() == "shape");
}

TEST_CASE("a plug-in that is missing, old or invalid is rejected with a message about what to install") {
  const auto open = [](const char* runtime) { return refusal([&] { open_network(imported(runtime, "1")); }); };
  CHECK(open("no_such_runtime").code() == "network.plugin");
  CHECK_THAT(open("no_such_runtime").message(), Catch::Contains("libsluice_no_such_runtime.so"));
  CHECK_THAT(open("no_such_runtime").hint(), Catch::Contains("docs/imported_networks.md"));
  CHECK(open("old").code() == "network.plugin");
  CHECK_THAT(open("old").message(), Catch::Contains("version 2"));
  CHECK(open("empty").code() == "network.plugin");
  CHECK_THAT(open("empty").message(), Catch::Contains("no sluice_network_plugin"));
}

TEST_CASE(
    "a plug-in is opened in the allowed folder alone, and only if it is a regular file that others cannot change") {
  const TempDir dir;
  const fs::path linear = fs::path(SLUICE_TEST_PLUGINS) / "libsluice_linear.so", copy = dir / "libsluice_linear.so";
  const auto network = imported("linear", line_of(some_numbers()));
  const auto open_in = [&](const fs::path& folder) {
    return refusal([&] { dnn::make_imported_executor(network, folder); });
  };
  CHECK_THAT(open_in("").hint(), Catch::Contains("--allow-plugins DIR"));
  for (const fs::path& folder : {fs::path(), fs::path("/nowhere"), dir.path(), linear}) {
    CAPTURE(folder);
    CHECK(open_in(folder).code() == "network.plugin");
  }
  fs::create_symlink(linear, copy);
  CHECK_THAT(open_in(dir.path()).message(), Catch::Contains("is not a regular file"));
  fs::remove(copy);
  REQUIRE(mkfifo(copy.c_str(), 0600) == 0);
  CHECK_THAT(open_in(dir.path()).message(), Catch::Contains("is not a regular file"));
  fs::remove(copy);

  fs::copy_file(linear, copy);
  CHECK(open_in(dir.path()).code().empty());
  for (const fs::path& path : {copy, dir.path()}) {
    fs::permissions(path, fs::perms::others_write, fs::perm_options::add);
    const Error error = open_in(dir.path());
    CHECK(error.code() == "network.plugin");
    CHECK_THAT(error.message(), Catch::StartsWith(path.string() + " can be changed by every user"));
    fs::permissions(path, fs::perms::others_write, fs::perm_options::remove);
  }
  CHECK(open_in(dir.path()).code().empty());
  const fs::path before = fs::current_path();
  fs::current_path(dir.path().parent_path());
  CHECK(open_in(dir.path().filename()).code().empty());
  fs::current_path(before);
}

TEST_CASE("a plug-in's error contains its own message, the file and the device") {
  const Error narrow = refusal([] { open_network(imported("linear", "1 2 3")); });
  CHECK(narrow.code() == "network.open");
  CHECK_THAT(narrow.message(), Catch::Contains("network.txt") && Catch::Contains("one weight per column"));
  const Error device =
      refusal([] { open_network(imported("linear", line_of(some_numbers())), {dnn::Device::cuda, 3}); });
  CHECK(device.code() == "network.open");
  CHECK_THAT(device.message(), Catch::Contains("cuda:3") && Catch::Contains("lines run on the CPU"));
  const Error silent = refusal([] { open_network(imported("faulty", "shut")); });
  CHECK_THAT(silent.message(), Catch::Contains("no reason given"));
}

TEST_CASE("a failing forward throws, and an unterminated reason is truncated") {
  const auto executor = open_network(imported("faulty", "open"));
  const FloatTable rows = random_encoded(fitted().encoder, 2, 7);
  std::vector<float> margins(2);
  const Error error = refusal([&] { executor->forward(rows.view(), margins); });
  CHECK(error.code() == "network.failed");
  CHECK(error.message().size() < 4096);
}

TEST_CASE("in a forked process an imported network throws, and in the parent it continues") {
  const auto executor = open_network(imported("linear", line_of(some_numbers())));
  const FloatTable rows = random_encoded(fitted().encoder, 1, 8);
  std::vector<float> margins(1);
  const pid_t child = fork();
  if (child == 0) {
    const Error error = refusal([&] { executor->forward(rows.view(), margins); });
    _exit(error.code() == "network.forked" && !error.hint().empty() ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK_NOTHROW(executor->forward(rows.view(), margins));
}

TEST_CASE("threads share an imported network") {
  const auto executor = open_network(imported("linear", line_of(some_numbers())));
  const FloatTable rows = random_encoded(fitted().encoder, 500, 9);
  std::vector<float> expected(500);
  executor->forward(rows.view(), expected);
  std::vector<std::vector<float>> margins(4, std::vector<float>(500));
  std::vector<std::thread> threads;
  for (auto& own : margins)
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < 500; ++i) executor->forward(rows.view().slice(i, 1), std::span(own).subspan(i, 1));
    });
  for (auto& thread : threads) thread.join();
  for (const auto& own : margins) CHECK(bits(own) == bits(expected));
}

TEST_CASE("a description reads back, and a wrong one is rejected with its field") {
  const auto read = [](const std::string& text) { return dnn::read_imported(text, fitted().schema, "network.json"); };
  const auto back = read(description());
  CHECK(back.runtime == "linear");
  CHECK(back.file == "network.txt");
  CHECK(to_json(back, fitted().schema) == to_json(imported("linear", ""), fitted().schema));
  CHECK(dnn::is_imported(description()));
  for (const char* other : {"", "{", "[]", "5", R"({"kind": "residual"})", R"({"kind": 5})"})
    CHECK_FALSE(dnn::is_imported(other));

  const auto code = [&](const std::function<void(nlohmann::json&)>& change) {
    return refusal([&] { read(description(change)); }).code();
  };
  for (const char* name : {"", "Torch", "../linear", "a/b", "linear.so", "a b"})
    CHECK(code([&](auto& json) { json["runtime"] = name; }) == "network.runtime");
  for (const char* name : {"", "network.json", "../network.pt", "network./../x", "manifest.json", "/etc/passwd"})
    CHECK(code([&](auto& json) { json["file"] = name; }) == "network.file");
  for (const char* key : {"kind", "format", "encoder"})
    CHECK(code([&](auto& json) { json.erase(key); }) == "network.missing");
  CHECK(code([](auto& json) { json["format"] = 3; }) == "network.range");
  CHECK(code([](auto& json) { json["members"] = 1; }) == "network.unknown_key");
  CHECK(code([](auto& json) { json["encoder"] = 1; }) == "network.encoder");
}

TEST_CASE("a parity sample checks an imported network against its tolerance") {
  const auto executor = open_network(imported("linear", line_of(some_numbers())));
  const auto sample = dnn::take_parity_sample(*executor, fitted().encoder, dnn::kImportedTolerance);
  CHECK(sample.kernel == "linear 1");
  auto numbers = some_numbers();
  numbers[0] += 1e-6f;
  CHECK_NOTHROW(dnn::require_parity(*open_network(imported("linear", line_of(numbers))), sample, "p"));
  numbers[0] += 1e-3f;
  const Error error =
      refusal([&] { dnn::require_parity(*open_network(imported("linear", line_of(numbers))), sample, "p"); });
  CHECK(error.code() == "bundle.parity");
  CHECK_THAT(error.message(), Catch::Contains("linear 1"));
  numbers[0] = std::nanf("");
  const auto nan = open_network(imported("linear", line_of(numbers)));
  CHECK(refusal([&] { dnn::take_parity_sample(*nan, fitted().encoder); }).code() == "bundle.parity");
}

}  // namespace sluice::test
