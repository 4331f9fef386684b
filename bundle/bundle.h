#pragma once
/// A bundle: a folder with everything that a decision depends on, under one digest (docs/bundle_format.md).
///
/// A bundle with a single changed byte does not load.
/// Thread-safety: a loaded bundle that does not change can be shared between threads. Write a folder from one thread at
/// a time.

#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/batch.h"
#include "sluice/base/digest.h"
#include "sluice/base/schema.h"
#include "sluice/bundle/calibration.h"
#include "sluice/bundle/gain_model.h"
#include "sluice/bundle/policy.h"
#include "sluice/dnn/imported.h"
#include "sluice/dnn/network.h"
#include "sluice/dnn/parity_sample.h"
#include "sluice/gbdt/forest.h"
#include "sluice/rules/ruleset.h"

namespace sluice::cascade {

struct BundleOptions {
  /// The folder whose plug-ins may run an imported network, which is code of its author. Empty: it does not run.
  std::filesystem::path plugins;
};

struct Bundle {
  Schema schema;
  std::shared_ptr<const std::vector<gbdt::Forest>> forests;  // the bag, in order
  std::shared_ptr<const dnn::Network> network;               // null if absent or imported
  std::shared_ptr<const dnn::ImportedNetwork> imported;      // the network of another runtime; null otherwise
  std::filesystem::path plugins;                             // BundleOptions::plugins
  std::optional<dnn::ParitySample> parity;                   // the network's margins when the bundle was written
  std::shared_ptr<const GainModel> gain;                     // null if absent
  Calibration calibration;
  Policy policy;
  std::optional<rules::RuleSet> pre, fallback, post;
  std::map<std::string, std::string>
      backgrounds;           // by name: reference rows as Arrow IPC bytes (bundle/background.h reads them)
  std::string label;         // name of the column that the models were trained to predict
  std::string train_report;  // JSON; empty if `sluice train` did not write the bundle
  Digest digest;

  /// The encoder of the network, native or imported; null if there is no network.
  const dnn::Encoder* encoder() const;

  /// The warnings of its forests and of its gain model (gbdt::Forest::warnings), each with the model's name.
  std::vector<std::string> warnings() const;

  /// Throws Error{policy.min_gain} if the band has a min_gain and the bundle has no gain model. Call it after changing
  /// the policy of a loaded bundle.
  void check_policy_fits() const;

  /// Throws Error{bundle.*} naming the file if one is missing, changed, a link out of the folder or of a newer format,
  /// or if the network does not reproduce the margins of parity.json; and what each file's reader throws. Added files
  /// are not read; verify_bundle lists them. Runs no code of the bundle: an imported network is only read here. The
  /// engine made from the bundle opens it, with a plug-in of `options.plugins`.
  static Bundle load(const std::filesystem::path& folder, const BundleOptions& options = {});
};

/// The bytes of a bundle's files by their path in it ("rules/pre.json"); manifest.json is not one of them.
using BundleFiles = std::map<std::string, std::string>;

/// What the manifest contains besides the files' digests. The bundle's digest covers all of it.
struct Provenance {
  std::string label;
  std::string data_digest;  // SHA-256 of the training data; empty if there is none
  std::uint64_t seed = 0;
  std::map<std::string, std::string> libraries;  // name to version
};

/// Checks before hours of training that write_bundle can write there. Throws the same Error{bundle.exists, file.write}.
void check_bundle_target(const std::filesystem::path& folder);

/// Writes the folder under a temporary name and puts it in place as a whole (base/folder.h), so that an interrupted
/// write leaves no partial bundle. Replaces an existing bundle. Returns the digest. Throws Error{bundle.exists} if the
/// folder exists and is not a bundle, Error{bundle.manifest} for a file name that no bundle may have, Error{file.*} if
/// writing fails: nothing has changed then, unless the message says that the bundle is written.
Digest write_bundle(const std::filesystem::path& folder, const BundleFiles& files, const Provenance& provenance);

/// Copies the manifest and the files that it names into the new folder `to`, and nothing else. Replaces a folder that
/// is there. Throws Error{bundle.*} if `from` is not a bundle as written, Error{file.*} if writing fails; `to` is then
/// removed.
void copy_bundle(const std::filesystem::path& from, const std::filesystem::path& to);

struct FileCheck {
  std::string path, expected, found;  // hexadecimal SHA-256; `found` is empty if the file is missing or cannot be read,
                                      // `expected` if it was added
  std::string fault;                  // "missing", "changed", "not in the manifest", or why it cannot be read
  bool ok() const { return fault.empty(); }
};

/// Compares every file with the manifest, and lists those that were added, which are not read. Throws Error{bundle.*}
/// if the manifest is missing, altered or of a newer format, and Error{bundle.too_many_files} if the folder has
/// thousands of other entries.
std::vector<FileCheck> verify_bundle(const std::filesystem::path& folder);

}  // namespace sluice::cascade
