#pragma once
/// Where a verb writes a table: a file, complete or absent, or standard output.

#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/file.h"

namespace sluice::cli {

class TableFile {
 public:
  /// Empty: standard output. Throws Error{file.write}, as every call.
  explicit TableFile(const std::string& path) {
    if (!path.empty()) file_.emplace(path);
  }

  void write(std::string_view text) {
    if (file_)
      file_->write(text);
    else
      std::cout << text;
  }
  /// `summary` is for a person: on standard output, or beside the table on standard error.
  void finish(const std::string& summary) {
    if (file_) file_->commit();
    (file_ ? std::cout : std::cerr) << summary << "\n";
  }

 private:
  std::optional<AtomicFile> file_;
};

}  // namespace sluice::cli
