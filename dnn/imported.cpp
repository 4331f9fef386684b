#include "sluice/dnn/imported.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "sluice/base/error.h"
#include "sluice/base/json_fields.h"
#include "sluice/dnn/imported/open_plugin.h"

namespace sluice::dnn {
namespace {

using ErrorText = std::array<char, 2048>;

std::string text_of(ErrorText& text) {
  text.back() = '\0';
  return text.front() ? text.data() : "no reason given";
}

/// The name becomes part of a library's name, never of a path.
bool is_runtime_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_file_name(std::string_view name) {
  return name.starts_with("network.") && name.find('/') == std::string_view::npos && name != "network.json";
}

class ImportedExecutor final : public Executor {
 public:
  ImportedExecutor(const ImportedNetwork& network, const std::filesystem::path& plugins, std::string device)
      : plugin_(open_plugin(network.runtime, plugins)),
        n_columns_(network.encoder.n_encoded()),
        device_(std::move(device)),
        process_(getpid()) {
    const SluiceNetworkFile file = {network.bytes.data(), network.bytes.size(), device_.c_str(), n_columns_};
    ErrorText error = {};
    handle_ = plugin_.open(&file, error.data(), error.size());
    if (!handle_)
      throw Error(
          "network.open", network.file + ": " + plugin_.name + " rejects it on " + device_ + ": " + text_of(error),
          "it must read encoded rows [n, " + std::to_string(n_columns_) + "] and return [n] or [n, 1], float32");
  }
  ~ImportedExecutor() override {
    // A runtime's threads do not survive fork: do not close it there.
    if (getpid() == process_) plugin_.close(handle_);
  }
  ImportedExecutor(const ImportedExecutor&) = delete;
  ImportedExecutor& operator=(const ImportedExecutor&) = delete;

  void forward(BatchView encoded, std::span<float> margins) const override {
    if (encoded.n_columns != n_columns_ || margins.size() < encoded.n_rows)
      throw Error("shape", "the network reads " + std::to_string(n_columns_) + " encoded inputs a row, not " +
                               std::to_string(encoded.n_columns));
    if (getpid() != process_)
      throw Error("network.forked", std::string(plugin_.name) + " was opened before this process was forked",
                  "load the bundle in the process that scores");
    if (encoded.stride == encoded.n_columns) return run(encoded.data, encoded.n_rows, margins);
    std::vector<float> rows;
    for (std::size_t i = 0; i < encoded.n_rows; ++i)
      rows.insert(rows.end(), encoded.row(i).begin(), encoded.row(i).end());
    run(rows.data(), encoded.n_rows, margins);
  }
  std::string_view device() const override { return device_; }
  std::string_view kernel() const override { return plugin_.name; }

 private:
  void run(const float* rows, std::size_t n_rows, std::span<float> margins) const {
    if (n_rows == 0) return;
    ErrorText error = {};
    if (plugin_.forward(handle_, rows, n_rows, n_columns_, margins.data(), error.data(), error.size()) != 0)
      throw Error("network.failed", std::string(plugin_.name) + ": " + text_of(error));
  }

  const SluiceNetworkPlugin& plugin_;
  std::size_t n_columns_;
  std::string device_;
  pid_t process_;
  void* handle_ = nullptr;
};

}  // namespace

bool is_imported(std::string_view network_json) {
  const Json json = Json::parse(network_json.begin(), network_json.end(), nullptr, false);
  return json.is_object() && json.contains("kind") && json["kind"] == "imported";
}

ImportedNetwork read_imported(std::string_view text, const Schema& schema, std::string_view source_view) {
  const std::string source(source_view);
  const Json json = parse_json(text, source, "network.json");
  std::vector<Diagnostic> diagnostics;
  JsonFields fields(json, "", source, "network", diagnostics);
  for (const char* key : {"kind", "format", "runtime", "file", "encoder"}) fields.require(key);
  fields.word("kind", "imported", {"imported"});
  fields.integer("format", 2, 2, 2);
  ImportedNetwork network;
  network.runtime = fields.string("runtime", "");
  network.file = fields.string("file", "");
  const Json* encoder = fields.child("encoder");
  if (!is_runtime_name(network.runtime))
    fields.add("runtime", "runtime", "expected a name of lower-case letters, digits and _", "torchscript");
  if (!is_file_name(network.file))
    fields.add("file", "file", "expected a name that begins with \"network.\"", "network.pt");
  fields.finish();
  throw_if_errors(diagnostics);
  network.encoder = Encoder::from_json(encoder->dump(), schema, source);
  return network;
}

std::string to_json(const ImportedNetwork& network, const Schema& schema) {
  const Json json = {{"kind", "imported"},
                     {"format", 2},
                     {"runtime", network.runtime},
                     {"file", network.file},
                     {"encoder", Json::parse(network.encoder.to_json(schema))}};
  return json.dump(1) + "\n";
}

std::unique_ptr<Executor> make_imported_executor(const ImportedNetwork& network, const std::filesystem::path& plugins,
                                                 DeviceChoice device) {
  std::string name = "cpu";
  if (device.kind == Device::cuda) name = "cuda:" + std::to_string(device.index);
  return std::make_unique<ImportedExecutor>(network, plugins, std::move(name));
}

}  // namespace sluice::dnn
