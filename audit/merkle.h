#pragma once
/// The Merkle tree of RFC 6962, section 2.1, over SHA-256: leaf = H(0x00 || data), node = H(0x01 || left || right).
///
/// A tree of n leaves is represented by its peaks: the roots of its complete subtrees, one per set bit of n, largest
/// first. Adding a leaf computes one node hash on average. Proofs need the leaves.
/// Thread-safety: functions and const calls are thread-safe; one thread at a time may change a MerkleTree.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sluice/base/digest.h"

namespace sluice::audit {

Digest leaf_hash(std::string_view data);
Digest node_hash(const Digest& left, const Digest& right);

class MerkleTree {
 public:
  MerkleTree() = default;
  /// Continues a tree of `size` leaves. Throws Error{merkle.peaks} unless there is one peak per set bit of `size`.
  MerkleTree(std::uint64_t size, std::vector<Digest> peaks);

  void add(const Digest& leaf);  // a leaf_hash
  std::uint64_t size() const { return size_; }
  const std::vector<Digest>& peaks() const { return peaks_; }
  /// The hash of the empty string if there are no leaves.
  Digest root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<Digest> peaks_;
};

/// The leaves of a tree of which the first ones are represented only by their peaks.
struct KnownLeaves {
  std::uint64_t first = 0;         // number of leaves under `peaks`
  std::span<const Digest> peaks;   // one per set bit of `first`
  std::span<const Digest> leaves;  // the rest

  KnownLeaves(std::span<const Digest> all) : leaves(all) {}
  KnownLeaves(const std::vector<Digest>& all) : leaves(all) {}
  KnownLeaves(std::uint64_t n, std::span<const Digest> before, std::span<const Digest> rest)
      : first(n), peaks(before), leaves(rest) {}
  std::uint64_t size() const { return first + leaves.size(); }
};
/// Root of the tree over all of them.
Digest merkle_root(const KnownLeaves& known);

/// RFC 6962, 2.1.1: the siblings on the path from leaf `index` to the root. Throws Error{merkle.range} unless
/// first <= index < size().
std::vector<Digest> inclusion_proof(const KnownLeaves& known, std::uint64_t index);
bool verify_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size, std::span<const Digest> proof,
                      const Digest& root);

/// RFC 6962, 2.1.2: proves that the tree of the first `old_size` leaves is a prefix of this one. Throws
/// Error{merkle.range} unless 0 < old_size and first <= old_size <= size().
std::vector<Digest> consistency_proof(const KnownLeaves& known, std::uint64_t old_size);
bool verify_consistency(std::uint64_t old_size, std::uint64_t size, const Digest& old_root, const Digest& root,
                        std::span<const Digest> proof);

}  // namespace sluice::audit
