#include "sluice/audit/references.h"

#include <openssl/hmac.h>

#include <cstring>

#include "sluice/base/error.h"

namespace sluice::audit {
namespace {

constexpr const char* kFile = "subjects.key";
constexpr std::size_t kRequestBytes = 16;

std::array<std::uint8_t, 32> hmac(const Secret& secret, std::string_view purpose, std::string_view text) {
  std::string message(purpose);
  message += text;
  std::array<std::uint8_t, 32> mac;
  unsigned n = 0;
  if (!HMAC(EVP_sha256(), secret.bytes.data(), static_cast<int>(secret.bytes.size()),
            reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac.data(), &n))
    throw Error("key.unavailable", "OpenSSL: cannot compute an HMAC");
  return mac;
}

}  // namespace

References References::generate() {
  References references;
  references.secret_ = Secret::generate();
  return references;
}

References References::load(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / kFile))
    throw Error("keys.subjects", folder.string() + ": subjects.key is missing, so that no subject can be recognised",
                "restore the log's own subjects.key");
  References references;
  references.secret_ = Secret::load(folder / kFile);
  return references;
}

void References::save(const std::filesystem::path& folder) const { secret_.save(folder / kFile); }

std::uint64_t References::subject(std::string_view name) const {
  std::uint64_t reference = 0;
  std::memcpy(&reference, hmac(secret_, "subject:", name).data(), sizeof reference);
  return reference == 0 ? 1 : reference;
}

std::string References::request(std::string_view id) const {
  const auto mac = hmac(secret_, "request:", id);
  return {reinterpret_cast<const char*>(mac.data()), kRequestBytes};
}

}  // namespace sluice::audit
