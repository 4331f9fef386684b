#include <immintrin.h>

#include "sluice/gbdt/kernels/binned_avx512_isa.h"
#include "sluice/gbdt/kernels/plane_kernel.h"
#include "sluice/gbdt/kernels/row_kernel.h"

namespace sluice::gbdt {
namespace {

struct Vbmi : Avx512Isa {
  /// 64 leaves as four registers of bytes: one permute looks up a byte of 64 rows' leaves.
  class Leaves {
   public:
    explicit Leaves(const std::uint32_t* exits) { split_bytes(exits, bytes_); }

    void add(const std::uint64_t* turns, __m512* sums) const {
      const __m512i leaf = leaf_numbers<6>(turns);
      __m512i part[4];
      for (int b = 0; b < 4; ++b) part[b] = _mm512_permutexvar_epi8(leaf, bytes_[b]);
      add_unpacked(part, sums);
    }

   private:
    __m512i bytes_[4];
  };

  /// 256 leaves: a permute of two registers looks up 128 of them; the first turn chooses the half.
  class ManyLeaves {
   public:
    explicit ManyLeaves(const std::uint32_t* exits) {
      for (int quarter = 0; quarter < 4; ++quarter) split_bytes(exits + 64 * quarter, bytes_[quarter]);
    }

    void add(const std::uint64_t* turns, __m512* sums) const {
      const __m512i leaf = leaf_numbers<8>(turns);
      __m512i part[4];
      for (int b = 0; b < 4; ++b)
        part[b] = _mm512_mask_blend_epi8(turns[0], _mm512_permutex2var_epi8(bytes_[0][b], leaf, bytes_[1][b]),
                                         _mm512_permutex2var_epi8(bytes_[2][b], leaf, bytes_[3][b]));
      add_unpacked(part, sums);
    }

   private:
    __m512i bytes_[4][4];
  };

  /// One byte of ones or zeros per code.
  class Set {
   public:
    Set(const std::uint64_t* words, std::uint32_t n_words) : n_words_(n_words) {
      for (int k = 0; k < 4; ++k) table_[k] = _mm512_movm_epi8(words[k]);
    }

    std::uint64_t contains(__m512i codes) const {
      if (n_words_ == 1) return _mm512_movepi8_mask(_mm512_permutexvar_epi8(codes, table_[0]));
      const __m512i low = _mm512_permutex2var_epi8(table_[0], codes, table_[1]);
      if (n_words_ == 2) return _mm512_movepi8_mask(low);
      const __m512i high = _mm512_permutex2var_epi8(table_[2], codes, table_[3]);
      return _mm512_movepi8_mask(_mm512_mask_mov_epi8(low, _mm512_movepi8_mask(codes), high));
    }

   private:
    std::uint32_t n_words_;
    __m512i table_[4];
  };

  template <std::size_t kTables>
  struct RowBins;
};

/// Shared by all numbers of tables: `Tables::look_up(columns)` returns the bins of 64 columns.
template <class Tables>
struct VbmiBins {
  /// Missing is above every cut; a correction follows if the split sends it left.
  std::uint64_t outcomes(const BlockNodes& nodes, std::uint64_t default_left) const {
    const __m512i bins = self().look_up(_mm512_load_si512(nodes.column));
    const std::uint64_t is_missing = _mm512_cmpeq_epi8_mask(bins, _mm512_set1_epi8(kMissingBin));
    return _mm512_cmpgt_epi8_mask(bins, _mm512_load_si512(nodes.cut)) & ~(is_missing & default_left);
  }

  /// Eight lanes at a time, one word in each. A shift by 64 or more gives 0.
  std::uint64_t category_bits(const CategoryLanes& lanes, std::uint32_t first, std::uint32_t n) const {
    const auto widened = [](const std::uint8_t* bytes) {
      return _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes)));
    };
    __m512i bits = _mm512_setzero_si512();
    for (std::uint32_t k = first; k < first + n; k += 8) {
      const __m512i code = self().look_up(widened(&lanes.column[k]));
      const __m512i bit = _mm512_and_si512(_mm512_sub_epi8(code, widened(&lanes.base[k])), _mm512_set1_epi64(0xff));
      const __m512i is_right =
          _mm512_and_si512(_mm512_srlv_epi64(_mm512_loadu_si512(&lanes.word[k]), bit), _mm512_set1_epi64(1));
      bits = _mm512_or_si512(bits, _mm512_sllv_epi64(is_right, widened(&lanes.place[k])));
    }
    return static_cast<std::uint64_t>(_mm512_reduce_or_epi64(bits));
  }

 private:
  const Tables& self() const { return static_cast<const Tables&>(*this); }
};

/// Up to 64 columns: two tables, with missing above every cut in one and below in the other. The column's byte selects
/// the table.
template <>
struct Vbmi::RowBins<1> : VbmiBins<Vbmi::RowBins<1>> {
  __m512i high, low;

  static RowBins load(const std::int8_t* bins) {
    RowBins out;
    out.high = _mm512_load_si512(bins);
    const __mmask64 is_missing = _mm512_cmpeq_epi8_mask(out.high, _mm512_set1_epi8(kMissingBin));
    out.low = _mm512_mask_mov_epi8(out.high, is_missing, _mm512_set1_epi8(kLowestBin));
    return out;
  }
  __m512i look_up(__m512i column) const { return _mm512_permutex2var_epi8(high, column, low); }
  std::uint64_t outcomes(const BlockNodes& nodes, std::uint64_t) const {
    return _mm512_cmpgt_epi8_mask(look_up(_mm512_load_si512(nodes.column)), _mm512_load_si512(nodes.cut));
  }
};

template <>
struct Vbmi::RowBins<2> : VbmiBins<Vbmi::RowBins<2>> {
  __m512i table[2];

  static RowBins load(const std::int8_t* bins) {
    RowBins out;
    for (int k = 0; k < 2; ++k) out.table[k] = _mm512_load_si512(bins + 64 * k);
    return out;
  }
  __m512i look_up(__m512i column) const { return _mm512_permutex2var_epi8(table[0], column, table[1]); }
};

template <>
struct Vbmi::RowBins<4> : VbmiBins<Vbmi::RowBins<4>> {
  __m512i table[4];

  static RowBins load(const std::int8_t* bins) {
    RowBins out;
    for (int k = 0; k < 4; ++k) out.table[k] = _mm512_load_si512(bins + 64 * k);
    return out;
  }
  __m512i look_up(__m512i column) const {
    return _mm512_mask_mov_epi8(_mm512_permutex2var_epi8(table[0], column, table[1]), _mm512_movepi8_mask(column),
                                _mm512_permutex2var_epi8(table[2], column, table[3]));
  }
};

Ran planes(const MarginJob& job) {
  PlaneKernel<Vbmi>::run(job);
  return {Kernel::avx512_vbmi, Method::planes};
}

Ran rows(const MarginJob& job) {
  const std::size_t n_columns = job.forest->binned->bins.n_columns();
  if (n_columns <= 64)
    RowKernel<Vbmi, 1>::run(job);
  else if (n_columns <= 128)
    RowKernel<Vbmi, 2>::run(job);
  else
    RowKernel<Vbmi, 4>::run(job);
  return {Kernel::avx512_vbmi, Method::rows};
}

void left_bits(const Forest& forest, const float* row, std::uint16_t* bits) {
  const std::size_t n_columns = forest.binned->bins.n_columns();
  if (n_columns <= 64)
    RowKernel<Vbmi, 1>::left_bits(forest, row, bits);
  else if (n_columns <= 128)
    RowKernel<Vbmi, 2>::left_bits(forest, row, bits);
  else
    RowKernel<Vbmi, 4>::left_bits(forest, row, bits);
}

}  // namespace

const BinnedKernel& binned_kernel_avx512_vbmi() {
  static constexpr BinnedKernel kernel{planes, rows, left_bits, kMaxNamedColumns, true};
  return kernel;
}

}  // namespace sluice::gbdt
