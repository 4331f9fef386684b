#include "sluice/audit/command_signer.h"

#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include "sluice/base/error.h"

namespace sluice::audit {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxAnswer = 4096;

[[noreturn]] void fail(const std::filesystem::path& program, const std::string& why) {
  throw Error("key.signer", program.string() + ": " + why, "docs/log_format.md defines what such a program does");
}

/// A running program whose standard input and output are one socket.
class Child {
 public:
  Child(const std::filesystem::path& program, const char* verb) : program_(program) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail(program_, std::strerror(errno));
    socket_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawnattr_t attributes;  // a group of its own, so that what it starts ends with it
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    std::string name = program.string(), argument = verb;
    char* arguments[] = {name.data(), argument.data(), nullptr};
    const int error = posix_spawn(&process_, name.c_str(), &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (error == 0) return;
    ::close(socket_);
    fail(program_, std::strerror(error));
  }
  ~Child() {
    ::close(socket_);
    if (process_ < 0) return;
    kill(-process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// A signer may end without reading its input, as for `public-key`.
  void write(std::string_view message) const {
    while (!message.empty()) {
      const ssize_t n = send(socket_, message.data(), message.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      message.remove_prefix(static_cast<std::size_t>(n));
    }
    shutdown(socket_, SHUT_WR);
  }

  std::string read_until(Clock::time_point end) const {
    std::string answer;
    char bytes[512];
    while (answer.size() < kMaxAnswer) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
      pollfd waited{.fd = socket_, .events = POLLIN, .revents = 0};
      if (left <= 0 || poll(&waited, 1, static_cast<int>(left)) == 0) fail(program_, "did not answer in time");
      const ssize_t n = recv(socket_, bytes, sizeof bytes, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      answer.append(bytes, static_cast<std::size_t>(n));
    }
    return answer;
  }

  /// The exit status, once the program has closed its output. A program that goes on is killed by the destructor.
  void require_success(Clock::time_point end) {
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(process_, &status, WNOHANG)) == 0 && Clock::now() < end) usleep(1000);
    if (ended != process_) fail(program_, "did not end in time");
    process_ = -1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail(program_, "failed");
  }

 private:
  std::filesystem::path program_;
  int socket_ = -1;
  pid_t process_ = -1;
};

}  // namespace

CommandSigner::CommandSigner(std::filesystem::path program, std::int64_t max_wait_ms)
    : program_(std::move(program)), max_wait_ms_(max_wait_ms) {
  const std::string bytes = ask("public-key", {}, public_key_.bytes.size());
  std::memcpy(public_key_.bytes.data(), bytes.data(), bytes.size());
}

Signature CommandSigner::sign(std::string_view message) const {
  Signature signature;
  const std::string bytes = ask("sign", message, signature.size());
  std::memcpy(signature.data(), bytes.data(), bytes.size());
  if (!public_key_.verifies(message, signature)) fail(program_, "the signature is not one of its public key");
  return signature;
}

std::string CommandSigner::ask(const char* verb, std::string_view message, std::size_t n_bytes) const {
  const auto end = Clock::now() + std::chrono::milliseconds(max_wait_ms_);
  Child child(program_, verb);
  child.write(message);
  std::string answer = child.read_until(end);
  child.require_success(end);
  if (answer.ends_with('\n')) answer.pop_back();
  const auto bytes = from_hex(answer);
  if (!bytes || bytes->size() != n_bytes)
    fail(program_, std::string(verb) + ": expected " + std::to_string(2 * n_bytes) + " lower-case hexadecimal digits");
  return *bytes;
}

}  // namespace sluice::audit
