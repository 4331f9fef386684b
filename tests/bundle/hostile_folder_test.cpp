#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "sluice/base/digest.h"
#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/bundle/bundle.h"
#include "support/catch.h"
#include "support/code_of.h"
#include "support/small_bundle.h"
#include "support/temp_dir.h"

namespace sluice::test {
namespace {

using namespace cascade;
namespace fs = std::filesystem;

constexpr SmallBundleOptions kSmall{.n_forests = 1, .n_trees = 2, .n_background = 3};

/// A bundle in dir/"b", with a file next to it that is not its own.
struct Folder {
  TempDir dir;
  fs::path bundle = dir / "b", secret = dir / "secret";

  Folder() {
    write_bundle(bundle, small_bundle_files(1, kSmall), {});
    write_file(secret, "a stranger's secret");
  }
  std::string load() const {
    return code_of([&] { Bundle::load(bundle); });
  }
  std::string verify() const {
    return code_of([&] { verify_bundle(bundle); });
  }
  std::map<std::string, FileCheck> faults() const {
    std::map<std::string, FileCheck> wrong;
    for (const FileCheck& check : verify_bundle(bundle))
      if (!check.ok()) wrong[check.path] = check;
    return wrong;
  }
  /// Changes the manifest and makes its digest match again, as a forger would.
  void forge(const std::function<void(nlohmann::json&)>& change) const {
    auto json = nlohmann::json::parse(read_file(bundle / "manifest.json"));
    json.erase("digest");
    change(json);
    json["digest"] = "sha256:" + sha256(json.dump(1)).hex();
    write_file(bundle / "manifest.json", json.dump(1) + "\n");
  }
};

/// What can be at the place of a file and is none.
const std::map<std::string, std::function<void(const fs::path&)>>& odd_files() {
  static const std::map<std::string, std::function<void(const fs::path&)>> kinds = {
      {"pipe", [](const fs::path& at) { REQUIRE(mkfifo(at.c_str(), 0600) == 0); }},
      {"folder", [](const fs::path& at) { fs::create_directory(at); }},
      {"link to a device", [](const fs::path& at) { fs::create_symlink("/dev/zero", at); }},
      {"link to itself", [](const fs::path& at) { fs::create_symlink(at.filename(), at); }},
      {"link to nothing", [](const fs::path& at) { fs::create_symlink("nowhere", at); }},
      {"link to a terminal", [](const fs::path& at) { fs::create_symlink("/dev/tty", at); }},
      {"link to memory", [](const fs::path& at) { fs::create_symlink("/proc/self/mem", at); }}};
  return kinds;
}

}  // namespace

TEST_CASE("a pipe, device, folder or broken link at the place of a bundle's file is refused at once") {
  for (const auto& [kind, make] : odd_files())
    for (const char* file : {"manifest.json", "policy.json", "backgrounds/population.arrow"}) {
      const Folder folder;
      CAPTURE(kind, file);
      fs::remove(folder.bundle / file);
      make(folder.bundle / file);
      const auto start = std::chrono::steady_clock::now();
      const std::string loaded = folder.load();
      CHECK((loaded.starts_with("bundle.") || loaded == "file.read"));
      if (std::string(file) == "manifest.json") {
        CHECK_FALSE(folder.verify().empty());
      } else {
        const auto faults = folder.faults();
        REQUIRE(faults.size() == 1);
        CHECK(faults.begin()->first == file);
        CHECK(faults.begin()->second.found.empty());
      }
      CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
    }
}

TEST_CASE("a link is followed inside a bundle and not out of it, whether it is a file, a folder or the manifest") {
  {
    const Folder folder;  // as a volume of Kubernetes is laid out
    fs::create_directory(folder.bundle / "..data");
    fs::rename(folder.bundle / "policy.json", folder.bundle / "..data/policy.json");
    fs::create_symlink("..data/policy.json", folder.bundle / "policy.json");
    CHECK(folder.load().empty());
    fs::create_directory_symlink("b", folder.dir / "current");
    CHECK_NOTHROW(Bundle::load(folder.dir / "current"));
  }
  for (const bool is_same : {true, false}) {  // also if the file outside has the bytes that the manifest wants
    const Folder folder;
    if (is_same) fs::copy_file(folder.bundle / "policy.json", folder.secret, fs::copy_options::overwrite_existing);
    for (const fs::path& target : {folder.secret, fs::path("../secret"), fs::path("rules/../../secret")}) {
      CAPTURE(is_same, target);
      fs::create_directories(folder.bundle / "rules");
      fs::remove(folder.bundle / "policy.json");
      fs::create_symlink(target, folder.bundle / "policy.json");
      CHECK(folder.load() == "bundle.link");
      REQUIRE(folder.faults().size() == 1);
      CHECK_THAT(folder.faults().at("policy.json").fault, Catch::Contains("leads out of the bundle"));
    }
  }
  {
    const Folder folder;
    fs::rename(folder.bundle / "backgrounds", folder.dir / "elsewhere");
    fs::create_directory_symlink("../elsewhere", folder.bundle / "backgrounds");
    CHECK(folder.load() == "bundle.link");
    CHECK(folder.faults().size() == 4);  // three files, and the link itself
  }
  {
    const Folder folder;
    fs::rename(folder.bundle / "manifest.json", folder.dir / "manifest.json");
    fs::create_symlink("../manifest.json", folder.bundle / "manifest.json");
    CHECK(folder.load() == "bundle.link");
    CHECK(folder.verify() == "bundle.link");
  }
}

TEST_CASE("added files of any kind are listed without being read") {
  const Folder folder;
  std::size_t n = 0;
  for (const auto& [kind, make] : odd_files())
    if (kind != "folder") make(folder.bundle / ("extra" + std::to_string(n++)));
  fs::create_directory_symlink("/etc", folder.bundle / "extra_link");
  write_file(folder.bundle / "extra\x1b[2J\n.json", "x");
  {
    std::ofstream huge(folder.bundle / "extra_huge");
  }
  fs::resize_file(folder.bundle / "extra_huge", std::uintmax_t{1} << 40);
  const auto faults = folder.faults();
  CHECK(faults.size() == n + 3);
  for (const auto& [path, check] : faults) {
    CAPTURE(path);
    CHECK(check.path.starts_with("extra"));
    CHECK(check.fault == "not in the manifest");
    CHECK(check.found.empty());
  }
  CHECK(folder.load().empty());
}

TEST_CASE("a folder with a hundred thousand added files or very deep folders is refused without a walk to its end") {
  for (const bool is_deep : {false, true}) {
    const Folder folder;
    if (is_deep) {
      fs::path deep = folder.bundle;
      for (int k = 0; k < 300; ++k) deep /= "deeper";
      fs::create_directories(deep);
    } else {
      for (int k = 0; k < 100'000; ++k)
        close(open((folder.bundle / ("f" + std::to_string(k))).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    CAPTURE(is_deep);
    const auto start = std::chrono::steady_clock::now();
    CHECK(folder.verify() == "bundle.too_many_files");
    CHECK(folder.load().empty());
    copy_bundle(folder.bundle, folder.dir / "copy");
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
    for (const auto& check : verify_bundle(folder.dir / "copy")) CHECK(check.ok());
  }
}

TEST_CASE("a manifest that is huge, names too many files, or names a file in an odd way is refused") {
  const auto with_file = [](const std::string& name) {
    const Folder folder;
    folder.forge([&](nlohmann::json& manifest) { manifest["files"][name] = sha256("s").hex(); });
    CHECK(folder.verify() == folder.load());
    return folder.load();
  };
  for (const std::string& name :
       {std::string("a\nb"), std::string("a\x1b[2Jb"), std::string("a\x7f"), std::string("a\0b", 3), std::string("./a"),
        std::string("a//b"), std::string("a/"), std::string("a/./b"), std::string("manifest.json"),
        std::string("a\u202eb"), std::string(2000, 'a')}) {
    CAPTURE(name);
    CHECK(with_file(name) == "bundle.manifest");
    const TempDir dir;
    BundleFiles files = small_bundle_files(1, kSmall);
    files[name] = "s";
    CHECK(code_of([&] { write_bundle(dir / "b", files, {}); }) == "bundle.manifest");
  }
  {
    const Folder folder;
    folder.forge([](nlohmann::json& manifest) {
      for (int k = 0; k < 10'000; ++k) manifest["files"]["f" + std::to_string(k)] = sha256("s").hex();
    });
    CHECK(folder.load() == "bundle.manifest");
  }
  for (const std::uintmax_t n_bytes : {std::uintmax_t{5} << 20, std::uintmax_t{1} << 40}) {
    const Folder folder;
    fs::resize_file(folder.bundle / "manifest.json", n_bytes);
    CHECK(folder.load() == "file.read");
    CHECK(folder.verify() == "file.read");
  }
  {
    const Folder folder;
    write_file(folder.bundle / "manifest.json", std::string(4 << 20, '['));
    CHECK(folder.load() == "bundle.manifest");
  }
}

TEST_CASE("a bundle's file that is larger than a bundle may be is refused before it is read") {
  const Folder folder;
  fs::resize_file(folder.bundle / "policy.json", std::uintmax_t{1} << 40);
  CHECK(folder.load() == "bundle.missing_file");
  CHECK_THAT(folder.faults().at("policy.json").fault, Catch::Contains("are read"));
}

}  // namespace sluice::test
