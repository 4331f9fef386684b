#pragma once
/// The output table of a verb: a file, which is complete or absent, or standard output.

#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/file.h"

namespace sluice::cli {

class TableFile {
 public:
  /// An empty path is standard output. Every call may throw Error{file.write}.
  explicit TableFile(const std::string& path) {
    if (!path.empty()) file_.emplace(path);
  }

  void write(std::string_view text) {
    if (file_)
      file_->write(text);
    else
      std::cout << text;
  }
  /// Completes the file. `summary` goes to standard output, or to standard error if the table is on standard output.
  void finish(const std::string& summary) {
    if (file_) file_->commit();
    (file_ ? std::cout : std::cerr) << summary << "\n";
  }

 private:
  std::optional<AtomicFile> file_;
};

}  // namespace sluice::cli
