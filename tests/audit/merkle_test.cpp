#include "sluice/audit/merkle.h"

#include <string>

#include "sluice/audit/signature.h"
#include "sluice/base/error.h"
#include "support/catch.h"
#include "support/code_of.h"

namespace sluice::test {

using namespace audit;

namespace {

std::string bytes(std::string_view hex) { return *from_hex(hex); }

// The test vectors of RFC 6962's reference implementation (certificate-transparency, merkletree/merkle_tree_test.cc).
const std::string kInputs[] = {"",
                               bytes("00"),
                               bytes("10"),
                               bytes("2021"),
                               bytes("3031"),
                               bytes("40414243"),
                               bytes("5051525354555657"),
                               bytes("606162636465666768696a6b6c6d6e6f")};
const char* const kRoots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                              "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                              "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                              "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                              "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                              "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                              "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                              "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

std::vector<Digest> leaves_of_rfc() {
  std::vector<Digest> leaves;
  for (const auto& input : kInputs) leaves.push_back(leaf_hash(input));
  return leaves;
}

std::vector<Digest> random_leaves(std::size_t n) {
  std::vector<Digest> leaves;
  for (std::size_t i = 0; i < n; ++i) leaves.push_back(leaf_hash("leaf " + std::to_string(i)));
  return leaves;
}

/// The definition in section 2.1, word for word.
Digest root_by_definition(std::span<const Digest> leaves) {
  if (leaves.size() == 1) return leaves[0];
  std::size_t k = 1;
  while (2 * k < leaves.size()) k *= 2;
  const Digest left = root_by_definition(leaves.first(k)), right = root_by_definition(leaves.subspan(k));
  std::string node = "\x01";
  for (const Digest& child : {left, right}) node.append(reinterpret_cast<const char*>(child.bytes.data()), 32);
  return sha256(node);
}

}  // namespace

TEST_CASE("roots equal RFC 6962's reference vectors and its definition") {
  CHECK(MerkleTree().root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const auto known = leaves_of_rfc();
  for (std::size_t n = 1; n <= known.size(); ++n) CHECK(merkle_root(std::span(known).first(n)).hex() == kRoots[n - 1]);
  const auto leaves = random_leaves(70);
  for (std::size_t n = 1; n <= leaves.size(); ++n)
    CHECK(merkle_root(std::span(leaves).first(n)) == root_by_definition(std::span(leaves).first(n)));
}

TEST_CASE("an inclusion proof equals the reference's and holds only for its own leaf, index and tree") {
  const auto known = leaves_of_rfc();
  const auto path = inclusion_proof(known, 0);
  REQUIRE(path.size() == 3);
  CHECK(path[0].hex() == "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7");
  CHECK(path[1].hex() == "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e");
  CHECK(path[2].hex() == "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4");
  const auto all = random_leaves(40);
  for (std::size_t n = 1; n <= all.size(); ++n) {
    const auto leaves = std::span(all).first(n);
    const Digest root = merkle_root(leaves);
    for (std::size_t i = 0; i < n; ++i) {
      auto proof = inclusion_proof(leaves, i);
      REQUIRE(verify_inclusion(leaves[i], i, n, proof, root));
      REQUIRE_FALSE(verify_inclusion(leaf_hash("another"), i, n, proof, root));
      for (std::size_t j = 0; j < n; ++j)
        if (j != i) REQUIRE_FALSE(verify_inclusion(leaves[i], j, n, proof, root));
      proof.push_back(root);
      REQUIRE_FALSE(verify_inclusion(leaves[i], i, n, proof, root));
    }
  }
}

TEST_CASE("a consistency proof holds only for the two trees for which it was made") {
  const auto all = random_leaves(40);
  for (std::size_t n = 1; n <= all.size(); ++n)
    for (std::size_t m = 1; m <= n; ++m) {
      const auto leaves = std::span(all).first(n);
      const Digest root = merkle_root(leaves), old_root = merkle_root(leaves.first(m));
      const auto proof = consistency_proof(leaves, m);
      CAPTURE(n, m);
      REQUIRE(verify_consistency(m, n, old_root, root, proof));
      REQUIRE_FALSE(verify_consistency(m, n, leaf_hash("x"), root, proof));
      REQUIRE_FALSE(verify_consistency(m, n, old_root, leaf_hash("x"), proof));
      if (proof.empty()) continue;
      for (std::size_t i = 0; i < proof.size(); ++i) {
        auto bent = proof;
        bent[i].bytes[7] ^= 1;
        REQUIRE_FALSE(verify_consistency(m, n, old_root, root, bent));
      }
      REQUIRE_FALSE(verify_consistency(m, n, old_root, root, std::span(proof).first(proof.size() - 1)));
    }
}

TEST_CASE("a tree continued from its peaks equals one that was built without a break") {
  const auto leaves = random_leaves(100);
  for (std::size_t stop = 0; stop <= leaves.size(); ++stop) {
    MerkleTree before;
    for (std::size_t i = 0; i < stop; ++i) before.add(leaves[i]);
    MerkleTree tree(before.size(), before.peaks());
    for (std::size_t i = stop; i < leaves.size(); ++i) tree.add(leaves[i]);
    REQUIRE(tree.root() == merkle_root(leaves));
  }
  REQUIRE_THROWS_AS(MerkleTree(3, {leaves[0]}), Error);
}

TEST_CASE("proofs from peaks equal those from all leaves, however many leaves the peaks replace") {
  std::vector<Digest> leaves;
  for (int i = 0; i < 40; ++i) leaves.push_back(leaf_hash(std::to_string(i)));
  for (std::size_t size = 1; size <= leaves.size(); ++size)
    for (std::size_t first = 0; first < size; ++first) {
      MerkleTree before;
      for (std::size_t i = 0; i < first; ++i) before.add(leaves[i]);
      const auto all = std::span<const Digest>(leaves).first(size);
      const KnownLeaves known(first, before.peaks(), all.subspan(first));
      CAPTURE(size, first);
      REQUIRE(merkle_root(known) == merkle_root(all));
      for (std::size_t i = first; i < size; ++i) REQUIRE(inclusion_proof(known, i) == inclusion_proof(all, i));
      for (std::size_t m = std::max<std::size_t>(1, first); m <= size; ++m)
        REQUIRE(consistency_proof(known, m) == consistency_proof(all, m));
      if (first == 0) continue;
      REQUIRE(code_of([&] { inclusion_proof(known, first - 1); }) == "merkle.range");
      REQUIRE(code_of([&] { consistency_proof(known, first - 1); }) == "merkle.range");
    }
}

}  // namespace sluice::test
