#pragma once
/// The flags of one verb. Wraps CLI11; only options.cpp includes it.
///
/// `parse` writes the values that the command line gives; the others keep their defaults. The variables must outlive
/// the call of `parse`.

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::cli {

/// Wrong usage: exit code 2. The message names the fault and suggests the nearest verb or flag.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Options {
 public:
  /// --help shows `example`, a command line that runs.
  Options(const std::string& verb, std::string summary, std::string example);
  ~Options();

  Options& positional(const std::string& name, std::string& value, const std::string& help, bool required = true);
  Options& positionals(const std::string& name, std::vector<std::string>& values, const std::string& help);
  Options& text(const std::string& flag, std::string& value, const std::string& help);
  Options& required(const std::string& flag, std::string& value, const std::string& help);
  /// A file or folder that the verb writes. It is wrong usage if another flag or argument names the same file as its
  /// input, or a bundle or log that contains it.
  Options& output(const std::string& flag, std::string& value, const std::string& help);
  Options& required_output(const std::string& flag, std::string& value, const std::string& help);
  Options& choice(const std::string& flag, std::string& value, const std::vector<std::string>& words,
                  const std::string& help);
  /// Accepts "A,B,C"; the flag may be repeated.
  Options& list(const std::string& flag, std::vector<std::string>& values, const std::string& help);
  Options& integer(const std::string& flag, std::uint64_t& value, const std::string& help);
  Options& number(const std::string& flag, double& value, const std::string& help);
  Options& flag(const std::string& flag, bool& value, const std::string& help);

  /// Returns false if --help was requested and has been printed. Throws UsageError.
  bool parse(const std::vector<std::string>& arguments);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::cli
