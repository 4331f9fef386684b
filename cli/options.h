#pragma once
/// The flags of one verb, over CLI11, which stays in options.cpp.
///
/// Values are written when `parse` succeeds and keep their defaults otherwise; what they point to must outlive the
/// parse.

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::cli {

/// Wrong usage: exit code 2. The text says what is wrong, and the nearest flag where one may have been meant.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Options {
 public:
  /// `example` is a command line that runs, shown by --help.
  Options(std::string verb, std::string summary, std::string example);
  ~Options();

  Options& positional(const std::string& name, std::string& value, const std::string& help, bool required = true);
  Options& positionals(const std::string& name, std::vector<std::string>& values, const std::string& help);
  Options& text(const std::string& flag, std::string& value, const std::string& help);
  Options& required(const std::string& flag, std::string& value, const std::string& help);
  Options& choice(const std::string& flag, std::string& value, const std::vector<std::string>& words,
                  const std::string& help);
  /// "A,B,C", and the flag may be repeated.
  Options& list(const std::string& flag, std::vector<std::string>& values, const std::string& help);
  Options& integer(const std::string& flag, std::uint64_t& value, const std::string& help);
  Options& number(const std::string& flag, double& value, const std::string& help);
  Options& flag(const std::string& flag, bool& value, const std::string& help);

  /// False where --help was asked for and has been printed. Throws UsageError.
  bool parse(const std::vector<std::string>& arguments);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::cli
