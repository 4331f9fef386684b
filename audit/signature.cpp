#include "sluice/audit/signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "sluice/base/error.h"
#include "sluice/base/file.h"

namespace sluice::audit {
namespace {

constexpr std::uint64_t kMaxKeyFile = 4096;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

const unsigned char* data_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

[[noreturn]] void fail(const char* what) { throw Error("key.unavailable", std::string("OpenSSL: ") + what); }

Key private_key(const std::array<std::uint8_t, 32>& seed) {
  Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()), EVP_PKEY_free);
  if (!key) fail("cannot create an Ed25519 key");
  return key;
}

std::array<std::uint8_t, 32> read_key(const std::filesystem::path& path) {
  std::string text = read_file(path, kMaxKeyFile);
  if (text.ends_with('\n')) text.pop_back();
  auto bytes = from_hex(text);
  wipe(text.data(), text.size());
  std::array<std::uint8_t, 32> key;
  if (!bytes || bytes->size() != key.size())
    throw Error("key.format", path.string() + ": not a key; expected one line of 64 lower-case hexadecimal digits");
  std::memcpy(key.data(), bytes->data(), key.size());
  wipe(bytes->data(), bytes->size());
  return key;
}

std::string line_of(const std::array<std::uint8_t, 32>& bytes) {
  return to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) + "\n";
}

}  // namespace

void wipe(void* bytes, std::size_t n) noexcept { OPENSSL_cleanse(bytes, n); }

bool PublicKey::verifies(std::string_view message, const Signature& signature) const {
  const Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes.data(), bytes.size()), EVP_PKEY_free);
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return key && context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), data_of(message), message.size()) == 1;
}

PublicKey PublicKey::load(const std::filesystem::path& path) { return {read_key(path)}; }
void PublicKey::save(const std::filesystem::path& path) const { write_file(path, line_of(bytes)); }

Secret Secret::generate() {
  Secret secret;
  if (RAND_priv_bytes(secret.bytes.data(), static_cast<int>(secret.bytes.size())) != 1)
    fail("cannot provide random bytes");
  return secret;
}

Secret Secret::load(const std::filesystem::path& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0)
    throw Error("key.mode", path.string() + ": others than its owner can read or write this key", "chmod 600 the file");
  return {read_key(path)};
}

void Secret::save(const std::filesystem::path& path) const {
  std::string line = line_of(bytes);
  write_file(path, line, AtomicFile::Mode::owner_only);
  wipe(line.data(), line.size());
}

SigningKey SigningKey::generate() {
  SigningKey key;
  key.seed_ = Secret::generate();
  return key;
}

SigningKey SigningKey::load(const std::filesystem::path& path) {
  SigningKey key;
  key.seed_ = Secret::load(path);
  return key;
}

Signature SigningKey::sign(std::string_view message) const {
  const Key key = private_key(seed_.bytes);
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  Signature signature;
  std::size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, data_of(message), message.size()) != 1)
    fail("signing failed");
  return signature;
}

PublicKey SigningKey::public_key() const {
  const Key key = private_key(seed_.bytes);
  PublicKey out;
  std::size_t size = out.bytes.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), out.bytes.data(), &size) != 1) fail("cannot compute the public key");
  return out;
}

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view digits) {
  const auto value = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  if (digits.size() % 2 != 0 || std::any_of(digits.begin(), digits.end(), [&](char c) { return value(c) < 0; }))
    return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes += static_cast<char>(value(digits[i]) << 4 | value(digits[i + 1]));
  return bytes;
}

}  // namespace sluice::audit
