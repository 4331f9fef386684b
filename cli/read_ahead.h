#pragma once
/// Reads the next rows while the caller works on those before.

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>

#include "sluice/io/rows.h"

namespace sluice::cli {

/// One thread calls it. The reader's pool must not be used by the caller meanwhile.
class ReadAhead {
 public:
  struct Block {
    io::RowBlock rows;
    std::uint64_t bytes_read = 0, bytes_total = 0;  // RecordReader's, after these rows
  };

  /// `reader` must outlive this object, and is used by it alone. Without `is_ahead`, `next` reads on the caller's
  /// thread. Throws Error{threads.start}.
  ReadAhead(io::RowReader& reader, std::size_t max_rows, bool is_ahead);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// The next block, valid until the next call; null at the end. Throws what the reader throws, after the blocks
  /// before.
  const Block* next();

 private:
  bool read(Block& block);
  void run();

  io::RowReader& reader_;
  const std::size_t max_rows_;
  std::array<Block, 3> blocks_;  // one with the caller, one ready, one being read
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t n_read_ = 0, n_taken_ = 0;  // blocks
  bool is_ended_ = false, is_over_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace sluice::cli
