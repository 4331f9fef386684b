#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/random.h"
#include "sluice/bundle/bundle.h"
#include "sluice/cascade/engine.h"
#include "sluice/cascade/resilience/fault_plan.h"
#include "sluice/cascade/resilience/isolate.h"
#include "sluice/dnn/network.h"
#include "sluice/gbdt/kernels/vet.h"
#include "support/catch.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

namespace fs = std::filesystem;
using namespace cascade;

constexpr SmallBundleOptions kSmall{.n_forests = 2, .n_trees = 2, .n_background = 3, .with_rules = true};

struct Refusal {
  std::string code, message;
};

Refusal load(const fs::path& folder) {
  try {
    Bundle::load(folder);
  } catch (const Error& e) {
    return {e.code(), e.message()};
  }
  return {};
}

/// Changes the manifest and makes its digest match again, as a forger would.
void forge_manifest(const fs::path& folder, const std::function<void(nlohmann::json&)>& change) {
  auto json = nlohmann::json::parse(read_file(folder / "manifest.json"));
  json.erase("digest");
  change(json);
  json["digest"] = "sha256:" + sha256(json.dump(1)).hex();
  write_file(folder / "manifest.json", json.dump(1) + "\n");
}

}  // namespace

TEST_CASE("a bundle loads what was written, and the same files give the same digest") {
  const TempDir dir;
  const auto files = small_bundle_files(1, kSmall);
  const Digest digest = write_bundle(dir / "b", files, {.label = "bad", .seed = 1});
  const Bundle bundle = Bundle::load(dir / "b");
  CHECK(bundle.digest == digest);
  CHECK(bundle.label == "bad");
  CHECK(bundle.forests->size() == 2);
  CHECK(bundle.network != nullptr);
  CHECK(bundle.pre.has_value());
  CHECK(bundle.backgrounds.size() == 3);
  CHECK(write_bundle(dir / "c", files, {.label = "bad", .seed = 1}) == digest);
  CHECK(write_bundle(dir / "d", files, {.label = "bad", .seed = 2}) != digest);
  for (const auto& check : verify_bundle(dir / "b")) CHECK(check.ok());
  for (const auto& [path, bytes] : files) CHECK(read_file(dir / "b" / path) == bytes);
}

TEST_CASE("the lists that rules name are files of the bundle, and a bundle that lacks one is refused") {
  const TempDir dir;
  auto files = small_bundle_files(1, kSmall);
  auto rules = nlohmann::json::parse(files.at("rules/pre.json"));
  rules["lists"]["large"] = {{"of", "amount"}, {"file", "large.txt"}};
  files["rules/pre.json"] = rules.dump();
  write_bundle(dir / "without", files, {});
  CHECK_THAT(load(dir / "without").message, Catch::Contains("rules/large.txt is not in the bundle"));
  files["rules/large.txt"] = "1000\n2000\n";
  write_bundle(dir / "with", files, {});
  CHECK(load(dir / "with").code.empty());
}

TEST_CASE("a bundle with any byte altered is refused by a message that names the file") {
  const TempDir dir;
  write_bundle(dir / "b", small_bundle_files(2, kSmall), {.label = "bad"});
  Random random(3);
  for (const auto& entry : fs::recursive_directory_iterator(dir / "b")) {
    if (entry.is_directory()) continue;
    const std::string original = read_file(entry.path());
    const bool is_manifest = entry.path().filename() == "manifest.json";
    for (int k = 0; k < (is_manifest ? 300 : 12); ++k) {
      std::string altered = original;
      const std::size_t at = random.below(original.size());
      altered[at] = static_cast<char>(altered[at] ^ (1 + static_cast<int>(random.below(255))));
      write_file(entry.path(), altered);
      const Refusal refusal = load(dir / "b");
      CAPTURE(entry.path().string(), at, refusal.message);
      REQUIRE(refusal.code.starts_with("bundle."));
      REQUIRE(refusal.message.find(entry.path().filename().string()) != std::string::npos);
    }
    write_file(entry.path(), original.substr(0, original.size() / 2));
    CHECK(load(dir / "b").message.find(entry.path().filename().string()) != std::string::npos);
    write_file(entry.path(), original);
  }
  CHECK(load(dir / "b").code == "");
}

TEST_CASE("missing files, added files and malformed manifests are distinguished") {
  const TempDir dir;
  write_bundle(dir / "b", small_bundle_files(4, kSmall), {});
  fs::remove(dir / "b" / "policy.json");
  CHECK(load(dir / "b").code == "bundle.missing_file");
  CHECK(load(dir / "b").message.find("policy.json") != std::string::npos);
  write_file(dir / "b" / "notes.txt", "x");
  std::map<std::string, FileCheck> wrong;
  for (const auto& check : verify_bundle(dir / "b"))
    if (!check.ok()) wrong[check.path] = check;
  REQUIRE(wrong.size() == 2);
  CHECK(wrong.at("policy.json").found.empty());
  CHECK(wrong.at("notes.txt").expected.empty());

  CHECK(load(dir / "nothing").code == "bundle.manifest");
  for (const char* text :
       {"", "5", "[]", "{}", "null", "{\"format\": \"1\"}", "{\"format\": 1}", "{\"format\": 1, \"files\": 3}"}) {
    CAPTURE(text);
    write_file(dir / "b" / "manifest.json", text);
    CHECK(load(dir / "b").code == "bundle.manifest");
  }
}

TEST_CASE("a forged manifest can neither name files outside nor claim a newer format") {
  const TempDir dir;
  const auto refused = [&](const std::function<void(nlohmann::json&)>& change) {
    write_bundle(dir / "b", small_bundle_files(5, kSmall), {});
    forge_manifest(dir / "b", change);
    return load(dir / "b").code;
  };
  CHECK(refused([](nlohmann::json&) {}) == "");
  CHECK(refused([](nlohmann::json& m) { m["format"] = 2; }) == "bundle.format");
  write_file(dir / "secret", "s");
  for (const char* path : {"../secret", "/etc/hostname", "rules/../../secret", ""})
    CHECK(refused([&](nlohmann::json& m) { m["files"][path] = sha256("s").hex(); }) == "bundle.manifest");
  CHECK(refused([](nlohmann::json& m) { m["files"].erase("schema.json"); }) == "bundle.missing_file");
  CHECK(refused([](nlohmann::json& m) { m["unknown"] = 1; }) == "bundle.changed");
}

TEST_CASE("a network that does not reproduce its stored margins does not load, and the message names the margin") {
  const TempDir dir;
  auto files = small_bundle_files(8, kSmall);
  auto parity = nlohmann::json::parse(files.at("parity.json"));
  const float margin = parity["margins"][5];
  parity["margins"][5] = std::nextafter(margin, 100.0f);
  files["parity.json"] = parity.dump();
  write_bundle(dir / "b", files, {});
  const Refusal refusal = load(dir / "b");
  CHECK(refusal.code == "bundle.parity");
  CHECK(refusal.message.find("parity.json at /margins/5") != std::string::npos);
  CHECK(refusal.message.find("cpu") != std::string::npos);

  files.erase("parity.json");  // older bundles have none
  write_bundle(dir / "b", files, {});
  CHECK(load(dir / "b").code == "");
  CHECK_FALSE(Bundle::load(dir / "b").parity.has_value());
}

TEST_CASE("an engine checks the network against its parity sample on the device that serves") {
  const TempDir dir;
  Bundle bundle = *small_bundle(dir / "b", 9, kSmall);
  REQUIRE(bundle.parity.has_value());
  CHECK_NOTHROW(Engine(std::make_shared<Bundle>(bundle)));
  bundle.parity->margins[2] += 1;
  CHECK_THROWS_WITH(Engine(std::make_shared<Bundle>(bundle)), Catch::Contains("/margins/2"));
}

TEST_CASE("a forest's warnings are reported by the bundle, the engine and every wrapper of a stage") {
  struct Warned final : ForestStage {
    void score(RowsView, std::span<PrefixMargins>) const override {}
    std::vector<std::string> warnings() const override { return {"planes"}; }
  };
  const TempDir dir;
  const auto good = small_bundle(dir / "b", 7, {.n_forests = 2, .band = kGainBand});
  CHECK(Engine(good).warnings().empty());

  Bundle bundle = *good;
  std::vector<gbdt::Forest> forests = *good->forests;
  auto binned = gbdt::bin_forest(forests[1]);
  std::fill(binned->planes.leaves.begin(), binned->planes.leaves.end(), 0);
  gbdt::adopt(forests[1], binned);
  bundle.forests = std::make_shared<const std::vector<gbdt::Forest>>(std::move(forests));
  const std::size_t n_methods = gbdt::kernels().size() - 1;  // planes of each kernel except the walk
  CHECK(bundle.warnings().size() == n_methods);
  for (const std::string& warning : bundle.warnings()) CHECK(warning.starts_with("forest 1: the method planes"));
  CHECK(Engine(std::make_shared<const Bundle>(bundle)).warnings().size() == n_methods);

  const std::shared_ptr<const ForestStage> stage = std::make_shared<Warned>();
  CHECK(Engine(good, {.forest = stage}).warnings() == std::vector<std::string>{"forest: planes"});
  CHECK(isolate(stage, good->schema, {})->warnings() == stage->warnings());
  CHECK(with_faults(stage, std::make_shared<FaultPlan>(FaultOptions{}))->warnings() == stage->warnings());
}

TEST_CASE("writing replaces an existing bundle, and no other folder") {
  const TempDir dir;
  write_bundle(dir / "b", small_bundle_files(6, kSmall), {});
  const Digest second = write_bundle(dir / "b", small_bundle_files(7, {.n_forests = 1, .n_background = 2}), {});
  CHECK(Bundle::load(dir / "b").digest == second);
  for (const auto& check : verify_bundle(dir / "b")) CHECK(check.ok());
  fs::create_directories(dir / "mine");
  write_file(dir / "mine" / "thesis.txt", "years of work");
  CHECK_THROWS_AS(write_bundle(dir / "mine", small_bundle_files(6, kSmall), {}), Error);
  CHECK(read_file(dir / "mine" / "thesis.txt") == "years of work");
  std::size_t n_entries = 0;
  for (const auto& entry : fs::directory_iterator(dir.path())) n_entries += entry.exists();
  CHECK(n_entries == 2);  // no partial folder is left
}

TEST_CASE("a network with several classes is refused: a cascade decides between two classes") {
  const TempDir dir;
  auto files = small_bundle_files(12, kSmall);
  auto json = nlohmann::json::parse(files.at("network.json"));
  json["outputs"] = 3;
  auto& scales = json["encoder"]["forest"];
  const auto of_one = scales;
  for (int k = 1; k < 3; ++k) scales.insert(scales.end(), of_one.begin(), of_one.end());
  dnn::Tensors tensors = dnn::read_safetensors(files.at("network.safetensors"), "w");
  for (auto& [name, tensor] : tensors) {
    if (name.ends_with(".a") || name.ends_with(".b") || name.find(".head.") != std::string::npos) {
      tensor.shape.insert(tensor.shape.begin() + 1, 3);
      const auto of_class = tensor.values;
      for (int k = 1; k < 3; ++k) tensor.values.insert(tensor.values.end(), of_class.begin(), of_class.end());
    } else if (name.ends_with("layer.0.weight")) {  // reads the margins of two more classes
      tensor = {{tensor.shape[0], tensor.shape[1] + 8}, std::vector<float>(tensor.shape[0] * (tensor.shape[1] + 8))};
    }
  }
  files["network.json"] = json.dump();
  files["network.safetensors"] = dnn::write_safetensors(tensors);
  const Schema schema = Schema::from_json(files.at("schema.json"), "schema.json");
  CHECK(dnn::Network::load(json.dump(), files.at("network.safetensors"), schema, "n").n_outputs() == 3);
  write_bundle(dir / "b", files, {.label = "bad", .seed = 1});
  const auto refusal = load(dir / "b");
  CHECK(refusal.code == "network.outputs");
  CHECK_THAT(refusal.message, Catch::Contains("network.json") && Catch::Contains("3 outputs"));
}

}  // namespace sluice::test
