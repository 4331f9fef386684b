#include <openssl/evp.h>
#include <openssl/rand.h>

#include "sluice/audit/keys.h"
#include "sluice/base/error.h"

namespace sluice::audit {
namespace {

constexpr int kNonceBytes = 12, kTagBytes = 16;

unsigned char* out_of(char* text) { return reinterpret_cast<unsigned char*>(text); }
const unsigned char* in_of(const char* text) { return reinterpret_cast<const unsigned char*>(text); }

}  // namespace

struct Cipher::State {
  EVP_CIPHER* algorithm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  ~State() {
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(algorithm);
  }
};

Cipher::Cipher() : state_(std::make_unique<State>()) {
  if (!state_->algorithm || !state_->context) throw Error("keys.cipher", "OpenSSL does not provide AES-256-GCM");
}
Cipher::~Cipher() = default;

void Cipher::seal(const SubjectKey& key, std::string_view context, std::string_view plain, std::string& out) {
  EVP_CIPHER_CTX* c = state_->context;
  out.resize(plain.size() + kSealBytes);
  int n = 0;
  const bool done =
      RAND_bytes(out_of(out.data()), kNonceBytes) == 1 &&
      EVP_EncryptInit_ex(c, state_->algorithm, nullptr, key.secret.bytes.data(), in_of(out.data())) == 1 &&
      EVP_EncryptUpdate(c, nullptr, &n, in_of(context.data()), static_cast<int>(context.size())) == 1 &&
      EVP_EncryptUpdate(c, out_of(out.data()) + kNonceBytes, &n, in_of(plain.data()), static_cast<int>(plain.size())) ==
          1 &&
      EVP_EncryptFinal_ex(c, out_of(out.data()) + out.size() - kTagBytes, &n) == 1 &&
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, kTagBytes, &out[out.size() - kTagBytes]) == 1;
  if (!done) throw Error("keys.cipher", "OpenSSL: encryption failed");
}

bool Cipher::open(const SubjectKey& key, std::string_view context, std::string_view sealed, std::string& out) {
  if (sealed.size() < kSealBytes) return false;
  EVP_CIPHER_CTX* c = state_->context;
  out.resize(sealed.size() - kSealBytes + 1);  // one byte more, so that a pointer past the plaintext is valid
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  int n = 0;
  const bool done =
      EVP_DecryptInit_ex(c, state_->algorithm, nullptr, key.secret.bytes.data(), in_of(sealed.data())) == 1 &&
      EVP_DecryptUpdate(c, nullptr, &n, in_of(context.data()), static_cast<int>(context.size())) == 1 &&
      EVP_DecryptUpdate(c, out_of(out.data()), &n, in_of(sealed.data()) + kNonceBytes,
                        static_cast<int>(sealed.size() - kSealBytes)) == 1 &&
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(c, out_of(out.data()) + n, &n) == 1;
  out.resize(sealed.size() - kSealBytes);
  return done;
}

}  // namespace sluice::audit
