#include <unistd.h>

#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <typeinfo>

#include "sluice/base/diagnostic.h"
#include "sluice/cli/options.h"
#include "sluice/cli/printable_stream.h"
#include "sluice/cli/terminal.h"
#include "sluice/cli/verbs.h"

namespace sluice::cli {
namespace {

constexpr int kFailed = 1, kWrongUsage = 2;

void print_usage(const std::string& program, const std::vector<Verb>& verbs, std::ostream& out) {
  out << "Usage: " << program << " VERB [options]\n\n";
  std::vector<std::vector<std::string>> rows;
  for (const Verb& verb : verbs)
    out << "  " << verb.name << std::string(12 - std::min<std::size_t>(11, std::string(verb.name).size()), ' ')
        << verb.summary << "\n";
  out << "\n" << program << " VERB --help lists a verb's options and shows an example.\n";
}

}  // namespace

int dispatch(const std::string& program, const std::vector<Verb>& verbs, const Arguments& arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
    print_usage(program, verbs, arguments.empty() ? std::cerr : std::cout);
    return arguments.empty() ? kWrongUsage : 0;
  }
  std::vector<std::string> names;
  for (const Verb& verb : verbs) {
    if (arguments[0] == verb.name) return verb.run({arguments.begin() + 1, arguments.end()});
    names.emplace_back(verb.name);
  }
  const std::string meant = nearest(arguments[0], names);
  throw UsageError(program + ": there is no verb \"" + arguments[0] + "\"" +
                   (meant.empty() ? "" : "\n  hint: did you mean " + program + " " + meant + "?"));
}

namespace {

/// What to tell a user about an exception that is not our own: never its raw text.
Error plain_error(const std::exception& e) {
  if (const auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(&e))
    return {"file.access", file->path1().string() + ": " + file->code().message(),
            "check the path and its permissions"};
  if (const auto* system = dynamic_cast<const std::system_error*>(&e))
    return {"system", "the operating system refused a request: " + system->code().message()};
  if (dynamic_cast<const std::bad_alloc*>(&e) || dynamic_cast<const std::length_error*>(&e))
    return {"memory", "out of memory"};
  return {"internal", std::string("an unexpected fault (") + typeid(e).name() + ")",
          "this is a bug; please report it with the command line"};
}

int run(const std::string& program, const std::vector<Verb>& verbs, const Arguments& arguments) {
  try {
    const int code = dispatch(program, verbs, arguments);
    end_progress();
    std::cout.flush();
    if (!std::cout) throw Error("file.write", "standard output: writing failed");
    return code;
  } catch (const UsageError& e) {
    note(e.what());
    return kWrongUsage;
  } catch (const Error& e) {
    print_error(e);
    return kFailed;
  } catch (const std::exception& e) {
    print_error(plain_error(e));
    return kFailed;
  }
}

}  // namespace

int run_program(const std::string& program, const std::vector<Verb>& verbs, int argc, char** argv) {
  watch_interrupts();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit of a file is an error, as on a full disk
  std::optional<PrintableStream> escaped;
  if (isatty(STDOUT_FILENO) != 0) escaped.emplace(std::cout);
  return run(program, verbs, {argv + 1, argv + argc});
}

}  // namespace sluice::cli
