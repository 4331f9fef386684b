#include "sluice/audit/merkle.h"

#include <bit>
#include <string>
#include <utility>

#include "sluice/audit/log/sha256.h"
#include "sluice/base/error.h"

namespace sluice::audit {
namespace {

constexpr std::string_view kLeaf("\0", 1), kNode("\1", 1);

Sha256& hasher() {
  thread_local Sha256 sha256;
  return sha256;
}

/// The largest power of two below n, for n > 1.
std::uint64_t split_of(std::uint64_t n) { return std::bit_floor(n - 1); }

/// A part of a tree: leaves `from` to `to` - 1.
struct Part {
  std::uint64_t from = 0, to = 0;

  std::uint64_t size() const { return to - from; }
  Part left() const { return {from, from + split_of(size())}; }
  Part right() const { return {from + split_of(size()), to}; }
};

/// The peak over exactly this part, whose leaves are all represented by peaks. Proofs need no other parts: they split
/// the tree where the tree of `first` leaves is split.
const Digest& peak_of(const KnownLeaves& known, Part part) {
  std::uint64_t from = 0;
  for (std::size_t i = 0, n = 64; n-- > 0;) {
    const std::uint64_t size = std::uint64_t{1} << n;
    if (!(known.first & size)) continue;
    if (from == part.from && size == part.size()) return known.peaks[i];
    from += size;
    ++i;
  }
  throw Error("merkle.range", "leaves " + std::to_string(part.from) + " to " + std::to_string(part.to) +
                                  " are not the leaves of one peak");
}

Digest root_of(const KnownLeaves& known, Part part) {
  if (part.from >= known.first) return merkle_root(known.leaves.subspan(part.from - known.first, part.size()));
  if (part.to <= known.first) return peak_of(known, part);
  return node_hash(root_of(known, part.left()), root_of(known, part.right()));
}

void prove_inclusion(const KnownLeaves& known, Part part, std::uint64_t index, std::vector<Digest>& proof) {
  if (part.size() <= 1) return;
  const bool is_left = index < part.left().to;
  prove_inclusion(known, is_left ? part.left() : part.right(), index, proof);
  proof.push_back(root_of(known, is_left ? part.right() : part.left()));
}

/// SUBPROOF of the RFC, for the tree of the leaves before `m`. `whole`: the verifier knows the old tree's root.
void prove_consistency(const KnownLeaves& known, Part part, std::uint64_t m, bool whole, std::vector<Digest>& proof) {
  if (m == part.to) {
    if (!whole) proof.push_back(root_of(known, part));
    return;
  }
  if (m <= part.left().to) {
    prove_consistency(known, part.left(), m, whole, proof);
    proof.push_back(root_of(known, part.right()));
  } else {
    prove_consistency(known, part.right(), m, false, proof);
    proof.push_back(root_of(known, part.left()));
  }
}

}  // namespace

Digest leaf_hash(std::string_view data) { return hasher()(kLeaf, data); }
Digest node_hash(const Digest& left, const Digest& right) { return hasher()(kNode, bytes_of(left), bytes_of(right)); }

MerkleTree::MerkleTree(std::uint64_t size, std::vector<Digest> peaks) : size_(size), peaks_(std::move(peaks)) {
  if (peaks_.size() != static_cast<std::size_t>(std::popcount(size)))
    throw Error("merkle.peaks", std::to_string(peaks_.size()) + " peaks for " + std::to_string(size) + " leaves");
}

void MerkleTree::add(const Digest& leaf) {
  peaks_.push_back(leaf);
  for (std::uint64_t n = size_++; n & 1; n >>= 1) {
    const Digest right = peaks_.back();
    peaks_.pop_back();
    peaks_.back() = node_hash(peaks_.back(), right);
  }
}

Digest MerkleTree::root() const {
  if (peaks_.empty()) return sha256("");
  Digest root = peaks_.back();
  for (std::size_t i = peaks_.size() - 1; i-- > 0;) root = node_hash(peaks_[i], root);
  return root;
}

Digest merkle_root(const KnownLeaves& known) {
  MerkleTree tree(known.first, {known.peaks.begin(), known.peaks.end()});
  for (const Digest& leaf : known.leaves) tree.add(leaf);
  return tree.root();
}

std::vector<Digest> inclusion_proof(const KnownLeaves& known, std::uint64_t index) {
  if (index < known.first || index >= known.size())
    throw Error("merkle.range", "leaf " + std::to_string(index) + ": expected an index of at least " +
                                    std::to_string(known.first) + " and below " + std::to_string(known.size()));
  std::vector<Digest> proof;
  prove_inclusion(known, {0, known.size()}, index, proof);
  return proof;
}

// RFC 9162, 2.1.3.2: the same tree as RFC 6962's, with the verification spelled out.
bool verify_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size, std::span<const Digest> proof,
                      const Digest& root) {
  if (index >= size) return false;
  std::uint64_t at = index, last = size - 1;
  Digest hash = leaf;
  for (const Digest& sibling : proof) {
    if (last == 0) return false;
    if ((at & 1) || at == last) {
      hash = node_hash(sibling, hash);
      while (!(at & 1) && at != 0) {
        at >>= 1;
        last >>= 1;
      }
    } else {
      hash = node_hash(hash, sibling);
    }
    at >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

std::vector<Digest> consistency_proof(const KnownLeaves& known, std::uint64_t old_size) {
  if (old_size == 0 || old_size < known.first || old_size > known.size())
    throw Error("merkle.range", "no consistency proof from " + std::to_string(old_size) + " to " +
                                    std::to_string(known.size()) + " leaves: the old size must be at least " +
                                    std::to_string(known.first) + " and above 0");
  std::vector<Digest> proof;
  prove_consistency(known, {0, known.size()}, old_size, true, proof);
  return proof;
}

// RFC 9162, 2.1.4.2.
bool verify_consistency(std::uint64_t old_size, std::uint64_t size, const Digest& old_root, const Digest& root,
                        std::span<const Digest> proof) {
  if (old_size == 0 || old_size > size) return false;
  if (old_size == size) return proof.empty() && old_root == root;
  std::uint64_t at = old_size - 1, last = size - 1;
  while (at & 1) {
    at >>= 1;
    last >>= 1;
  }
  // A complete old tree is a node of the new one: the proof does not repeat it.
  if (!std::has_single_bit(old_size) && proof.empty()) return false;
  Digest was = std::has_single_bit(old_size) ? old_root : proof.front(), is = was;
  for (const Digest& sibling : proof.subspan(std::has_single_bit(old_size) ? 0 : 1)) {
    if (last == 0) return false;
    if ((at & 1) || at == last) {
      was = node_hash(sibling, was);
      is = node_hash(sibling, is);
      while (!(at & 1) && at != 0) {
        at >>= 1;
        last >>= 1;
      }
    } else {
      is = node_hash(is, sibling);
    }
    at >>= 1;
    last >>= 1;
  }
  return last == 0 && was == old_root && is == root;
}

}  // namespace sluice::audit
