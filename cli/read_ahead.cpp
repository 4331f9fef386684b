#include "sluice/cli/read_ahead.h"

#include "sluice/base/thread_pool.h"

namespace sluice::cli {

ReadAhead::ReadAhead(io::RowReader& reader, std::size_t max_rows, bool is_ahead)
    : reader_(reader), max_rows_(max_rows) {
  if (is_ahead) thread_ = start_thread("the table's reader", [this] { run(); });
}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool ReadAhead::read(Block& block) {
  const bool has_rows = reader_.next(block.rows, max_rows_);
  block.bytes_read = reader_.bytes_read();
  block.bytes_total = reader_.bytes_total();
  return has_rows;
}

const ReadAhead::Block* ReadAhead::next() {
  if (!thread_.joinable()) return read(blocks_[0]) ? &blocks_[0] : nullptr;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return n_taken_ < n_read_ || is_ended_; });
  if (n_taken_ < n_read_) {
    const Block& block = blocks_[n_taken_++ % blocks_.size()];
    changed_.notify_all();
    return &block;
  }
  if (failure_) std::rethrow_exception(failure_);
  return nullptr;
}

void ReadAhead::run() {
  std::unique_lock lock(mutex_);
  while (!is_ended_) {
    // The block that the caller took last is still in use.
    changed_.wait(lock, [&] { return is_over_ || n_read_ + 1 < n_taken_ + blocks_.size(); });
    if (is_over_) return;
    Block& block = blocks_[n_read_ % blocks_.size()];
    lock.unlock();
    bool has_rows = false;
    std::exception_ptr failure;
    try {
      has_rows = read(block);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    failure_ = failure;
    is_ended_ = !has_rows;
    n_read_ += has_rows;
    changed_.notify_all();
  }
}

}  // namespace sluice::cli
