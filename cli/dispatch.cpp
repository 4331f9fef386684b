#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>

#include "sluice/base/diagnostic.h"
#include "sluice/cli/options.h"
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

int run_program(const std::string& program, const std::vector<Verb>& verbs, int argc, char** argv) {
  watch_interrupts();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit of a file is an error, as on a full disk
  try {
    const int code = dispatch(program, verbs, {argv + 1, argv + argc});
    end_progress();
    std::cout.flush();
    if (!std::cout) throw Error("file.write", "standard output: writing failed");
    return code;
  } catch (const UsageError& e) {
    end_progress();
    std::fprintf(stderr, "%s\n", e.what());
    return kWrongUsage;
  } catch (const Error& e) {
    print_error(e);
    return kFailed;
  } catch (const std::bad_alloc&) {
    print_error(Error("memory", "out of memory"));
    return kFailed;
  } catch (const std::exception& e) {
    print_error(Error("internal", e.what(), "this is a bug; please report it with the command line"));
    return kFailed;
  }
}

}  // namespace sluice::cli
