#include "sluice/audit/log/sha256.h"

#include <openssl/evp.h>

#include "sluice/base/error.h"

namespace sluice::audit {

struct Sha256::State {
  EVP_MD* algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() {
    EVP_MD_CTX_free(context);
    EVP_MD_free(algorithm);
  }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (!state_->algorithm || !state_->context) throw Error("digest.unavailable", "OpenSSL does not provide SHA-256");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Digest Sha256::operator()(std::string_view a, std::string_view b, std::string_view c) {
  Digest digest;
  EVP_DigestInit_ex(state_->context, state_->algorithm, nullptr);
  for (const std::string_view part : {a, b, c})
    if (!part.empty()) EVP_DigestUpdate(state_->context, part.data(), part.size());
  EVP_DigestFinal_ex(state_->context, digest.bytes.data(), nullptr);
  return digest;
}

}  // namespace sluice::audit
