#include "sluice/cli/terminal.h"

#include "sluice/base/printable.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace sluice::cli {
namespace {

std::atomic<bool> interrupted = false;
std::atomic<bool> bar_is_open = false;

bool stderr_is_terminal() { return isatty(STDERR_FILENO) != 0; }

std::string coloured(std::string_view text, const char* code) {
  if (!stderr_is_terminal() || std::getenv("NO_COLOR")) return std::string(text);
  return std::string("\x1b[") + code + "m" + std::string(text) + "\x1b[0m";
}

using Clock = std::chrono::steady_clock;

/// Draws what Progress reports, at most a few times a second.
class Bar {
 public:
  bool operator()(std::string_view what, std::uint64_t done, std::uint64_t total) {
    const auto now = Clock::now();
    if (what != named_) {
      end_progress();
      named_ = what;
      what_ = printable(what);
      started_ = now;
      drawn_ = {};
    }
    const bool is_terminal = stderr_is_terminal();
    if (now - drawn_ >= (is_terminal ? std::chrono::milliseconds(100) : std::chrono::seconds(5)) &&
        (is_terminal || now - started_ > std::chrono::seconds(2))) {
      drawn_ = now;
      draw(now, done, total, is_terminal);
    }
    return !was_interrupted();
  }

 private:
  void draw(Clock::time_point now, std::uint64_t done, std::uint64_t total, bool is_terminal) const {
    const double seconds = std::chrono::duration<double>(now - started_).count();
    const double rate = seconds > 0.2 ? static_cast<double>(done) / seconds : 0;
    const double share = total > 0 ? std::min(1.0, static_cast<double>(done) / static_cast<double>(total)) : 0;
    char tail[96] = "";
    if (total > 0 && rate > 0)
      std::snprintf(tail, sizeof tail, " %3.0f %%  %.3g/s  %.0f s left", 100 * share, rate,
                    static_cast<double>(total - std::min(done, total)) / rate);
    else if (rate > 0)
      std::snprintf(tail, sizeof tail, " %llu  %.3g/s", static_cast<unsigned long long>(done), rate);
    if (!is_terminal) {
      std::fprintf(stderr, "%s%s\n", what_.c_str(), tail);
      return;
    }
    constexpr int kWidth = 24;
    const int filled = static_cast<int>(std::lround(share * kWidth));
    std::fprintf(stderr, "\r%-18s [%s%s]%s\x1b[K", what_.c_str(),
                 std::string(static_cast<std::size_t>(filled), '#').c_str(),
                 std::string(static_cast<std::size_t>(kWidth - filled), '.').c_str(), tail);
    bar_is_open = true;
  }

  std::string named_, what_;
  Clock::time_point started_, drawn_;
};

}  // namespace

void watch_interrupts() {
  struct sigaction action{};
  action.sa_handler = [](int) { interrupted = true; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // a second signal ends the process at once
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
  struct sigaction before{};
  if (sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)  // else: started by nohup
    sigaction(SIGHUP, &action, nullptr);
}

bool was_interrupted() { return interrupted; }

Progress make_progress(bool quiet) {
  if (quiet) return [](std::string_view, std::uint64_t, std::uint64_t) { return !was_interrupted(); };
  return [bar = std::make_shared<Bar>()](std::string_view what, std::uint64_t done, std::uint64_t total) {
    return (*bar)(what, done, total);
  };
}

void end_progress() {
  if (bar_is_open.exchange(false)) std::fprintf(stderr, "\r\x1b[K");
}

void note(std::string_view text) {
  end_progress();
  std::fprintf(stderr, "%s\n", printable(text, true).c_str());
}

void warn(std::string_view text) {
  end_progress();
  std::fprintf(stderr, "%s %s\n", coloured("warning:", "33").c_str(), printable(text, true).c_str());
}

void print_error(const Error& error) {
  end_progress();
  std::fprintf(stderr, "%s %s: %s\n", coloured("error:", "31").c_str(), error.code().c_str(),
               printable(error.message(), true).c_str());
  if (!error.hint().empty()) std::fprintf(stderr, "  hint: %s\n", printable(error.hint(), true).c_str());
}

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string padding(widths[c] - row[c].size(), ' ');
      text += c == 0 ? row[c] + (row.size() > 1 ? padding : "") : "  " + padding + row[c];
    }
    text += '\n';
  }
  return text;
}

std::string fixed(double value, int decimals) {
  if (std::isnan(value)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

}  // namespace sluice::cli
