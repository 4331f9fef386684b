#include "sluice/cli/options.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "sluice/base/diagnostic.h"
#include "sluice/cli/output_paths.h"

namespace sluice::cli {

struct Options::State {
  CLI::App app;
  std::vector<std::string> flags = {"--help"};
  std::vector<NamedPath> outputs, others;  // texts that may be paths

  CLI::Option* add(const std::string& flag, CLI::Option* option) {
    flags.push_back(flag);
    return option;
  }
  std::string suggestion(const std::vector<std::string>& arguments) const {
    for (const auto& argument : arguments) {
      const std::string name = argument.substr(0, argument.find('='));
      if (!name.starts_with("--") || std::find(flags.begin(), flags.end(), name) != flags.end()) continue;
      const std::string meant = nearest(name, flags);
      return meant.empty() ? "" : "\n  hint: did you mean " + meant + "?";
    }
    return "";
  }
};

Options::Options(const std::string& verb, std::string summary, std::string example)
    : state_(std::make_unique<State>()) {
  state_->app.name("sluice " + verb);
  state_->app.description(std::move(summary));
  state_->app.footer("Example:\n  " + std::move(example));
}

Options::~Options() = default;

Options& Options::positional(const std::string& name, std::string& value, const std::string& help, bool required) {
  auto* option = state_->app.add_option(name, value, help);
  if (required) option->required();
  state_->others.push_back({name, &value});
  return *this;
}

Options& Options::positionals(const std::string& name, std::vector<std::string>& values, const std::string& help) {
  state_->app.add_option(name, values, help)->required();
  return *this;
}

Options& Options::text(const std::string& flag, std::string& value, const std::string& help) {
  state_->others.push_back({flag, &value});
  return state_->add(flag, state_->app.add_option(flag, value, help)), *this;
}

Options& Options::required(const std::string& flag, std::string& value, const std::string& help) {
  state_->others.push_back({flag, &value});
  state_->add(flag, state_->app.add_option(flag, value, help))->required();
  return *this;
}

Options& Options::output(const std::string& flag, std::string& value, const std::string& help) {
  state_->outputs.push_back({flag, &value});
  return state_->add(flag, state_->app.add_option(flag, value, help)), *this;
}

Options& Options::required_output(const std::string& flag, std::string& value, const std::string& help) {
  state_->outputs.push_back({flag, &value});
  state_->add(flag, state_->app.add_option(flag, value, help))->required();
  return *this;
}

Options& Options::choice(const std::string& flag, std::string& value, const std::vector<std::string>& words,
                         const std::string& help) {
  state_->add(flag, state_->app.add_option(flag, value, help))->check(CLI::IsMember(words))->capture_default_str();
  return *this;
}

Options& Options::list(const std::string& flag, std::vector<std::string>& values, const std::string& help) {
  state_->add(flag, state_->app.add_option(flag, values, help))->delimiter(',')->expected(1, 1)->take_all();
  return *this;
}

Options& Options::integer(const std::string& flag, std::uint64_t& value, const std::string& help) {
  // CLI11 reads "-1" as 2^64 - 1.
  const auto is_not_negative = [](const std::string& text) {
    return text.find('-') == std::string::npos ? std::string() : "expected a number of 0 or more, not " + text;
  };
  state_->add(flag, state_->app.add_option(flag, value, help))->check(is_not_negative)->capture_default_str();
  return *this;
}

Options& Options::number(const std::string& flag, double& value, const std::string& help) {
  state_->add(flag, state_->app.add_option(flag, value, help));
  return *this;
}

Options& Options::flag(const std::string& flag, bool& value, const std::string& help) {
  return state_->add(flag, state_->app.add_flag(flag, value, help)), *this;
}

bool Options::parse(const std::vector<std::string>& arguments) {
  try {
    state_->app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    std::cout << state_->app.help();
    return false;
  } catch (const CLI::ParseError& e) {
    throw UsageError(state_->app.get_name() + ": " + e.what() + state_->suggestion(arguments));
  }
  if (const std::string conflict = conflict_of(state_->outputs, state_->others); !conflict.empty())
    throw UsageError(state_->app.get_name() + ": " + conflict);
  return true;
}

}  // namespace sluice::cli
