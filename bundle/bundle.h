#pragma once
/// A bundle: a folder that holds everything a decision depends on, hashed as one (docs/bundle_format.md).
///
/// Immutable after load; safe to share between threads. A bundle of which one byte has changed does not load.

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

struct Bundle {
  Schema schema;
  std::shared_ptr<const std::vector<gbdt::Forest>> forests;  // the bag, in order
  std::shared_ptr<const dnn::Network> network;               // null where there is none of our own kinds
  std::shared_ptr<const dnn::ImportedNetwork> imported;      // or one of another runtime
  std::optional<dnn::ParitySample> parity;                   // what the network said where the bundle was written
  std::shared_ptr<const GainModel> gain;                     // null where the bundle has none
  Calibration calibration;
  Policy policy;
  std::optional<rules::RuleSet> pre, fallback, post;
  std::map<std::string, std::string>
      backgrounds;           // by name: reference rows as Arrow IPC bytes (bundle/background.h reads them)
  std::string label;         // name of the column that was learnt
  std::string train_report;  // JSON; empty where the bundle was not trained here
  Digest digest;

  /// The network's encoder, whichever its kind; null where there is no network.
  const dnn::Encoder* encoder() const;

  /// What was found wrong in its forests when they were loaded (gbdt::Forest::warnings), each with the file's name.
  std::vector<std::string> warnings() const;

  /// Throws Error{policy.min_gain} where the policy asks for a gain and there is no model to expect one: call it
  /// after changing the policy of a loaded bundle.
  void check_policy_fits() const;

  /// Throws Error{bundle.*} naming the file: missing, changed, or of a newer format (added files are not read;
  /// verify_bundle lists them); where the network does not give the margins of parity.json again; and what each file's
  /// reader throws.
  static Bundle load(const std::filesystem::path& folder);
};

/// A bundle's files by their path in it ("rules/pre.json"), as they are written: all but manifest.json.
using BundleFiles = std::map<std::string, std::string>;

/// What the manifest says beside the digests. All of it is covered by the bundle's digest.
struct Provenance {
  std::string label;
  std::string data_digest;  // SHA-256 of the training data; empty for none
  std::uint64_t seed = 0;
  std::map<std::string, std::string> libraries;  // name to version
};

/// Whether write_bundle could write there: throws its Error{bundle.exists, file.write} before hours of training, not
/// after.
void check_bundle_target(const std::filesystem::path& folder);

/// Writes the folder beside its final name and renames it: an interrupted write leaves no half bundle. An existing
/// bundle is replaced; a folder that is no bundle is not: Error{bundle.exists}. Returns the digest.
Digest write_bundle(const std::filesystem::path& folder, const BundleFiles& files, const Provenance& provenance);

struct FileCheck {
  std::string path, expected,
      found;  // hexadecimal SHA-256; `found` is empty where the file is missing, `expected` where it was added
  bool ok() const { return expected == found; }
};

/// Every file against the manifest. Throws Error{bundle.manifest} where the manifest itself cannot be trusted.
std::vector<FileCheck> verify_bundle(const std::filesystem::path& folder);

}  // namespace sluice::cascade
