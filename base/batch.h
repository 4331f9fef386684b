#pragma once
/// Rows of numbers: non-owning row-major views, and the tables that own them.
///
/// Raw rows are double, in the schema's column order: a number's value, a category's vocabulary code, an id's hash, a
/// time in seconds since 1970-01-01 UTC. Models read float32. NaN means missing in both. A view is cheap to copy and is
/// valid while the memory that it points to is.
/// Thread-safety: none of its own. Const calls may run concurrently; a table that changes must not be shared.

#include <cassert>
#include <cstddef>
#include <span>
#include <vector>

namespace sluice {

template <class T>
struct BasicBatch {
  const T* data = nullptr;
  std::size_t n_rows = 0;
  std::size_t n_columns = 0;
  std::size_t stride = 0;  // elements from one row to the next; >= n_columns

  BasicBatch() = default;
  BasicBatch(const T* cells, std::size_t rows, std::size_t columns)
      : data(cells), n_rows(rows), n_columns(columns), stride(columns) {}
  explicit BasicBatch(std::span<const T> row) : BasicBatch(row.data(), 1, row.size()) {}

  std::span<const T> row(std::size_t i) const {
    assert(i < n_rows);
    return {data + i * stride, n_columns};
  }
  BasicBatch slice(std::size_t first, std::size_t count) const {
    BasicBatch part = *this;
    part.data += first * stride;
    part.n_rows = count;
    return part;
  }
};

using BatchView = BasicBatch<float>;      // what models read
using RowsView = BasicBatch<double>;      // raw rows, in schema order
using RowView = std::span<const double>;  // one raw row

template <class T>
class BasicTable {
 public:
  BasicTable() = default;
  explicit BasicTable(std::size_t n_columns, std::size_t n_rows = 0)
      : n_columns_(n_columns), n_rows_(n_rows), cells_(n_rows * n_columns) {}

  std::size_t n_rows() const { return n_rows_; }
  std::size_t n_columns() const { return n_columns_; }
  std::span<T> row(std::size_t i) { return {cells_.data() + i * n_columns_, n_columns_}; }
  std::span<const T> row(std::size_t i) const { return {cells_.data() + i * n_columns_, n_columns_}; }
  BasicBatch<T> view() const { return {cells_.data(), n_rows_, n_columns_}; }

  void append(std::span<const T> row) {
    assert(row.size() == n_columns_);
    cells_.insert(cells_.end(), row.begin(), row.end());
    ++n_rows_;
  }
  std::span<T> append() {  // returns a zeroed row to fill in
    cells_.resize(cells_.size() + n_columns_);
    return row(n_rows_++);
  }
  /// Resizes to `n_rows` rows; added rows are zero.
  void resize(std::size_t n_rows) {
    cells_.resize(n_rows * n_columns_);
    n_rows_ = n_rows;
  }
  void reserve(std::size_t n_rows) { cells_.reserve(n_rows * n_columns_); }
  void clear() {  // keeps the memory
    cells_.clear();
    n_rows_ = 0;
  }

 private:
  std::size_t n_columns_ = 0;
  std::size_t n_rows_ = 0;
  std::vector<T> cells_;
};

using Table = BasicTable<double>;
using FloatTable = BasicTable<float>;

}  // namespace sluice
