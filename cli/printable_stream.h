#pragma once
/// What a program prints on a terminal, without what the terminal would obey.

#include <iostream>
#include <streambuf>
#include <string>

namespace sluice::cli {

/// While it exists, text for `out` is escaped (base/printable.h), except for line feeds and tabs, and passed on line by
/// line or at a flush. A flush between the bytes of a character keeps them back.
class PrintableStream : private std::streambuf {
 public:
  explicit PrintableStream(std::ostream& out) : out_(out), target_(out.rdbuf(this)) {}
  ~PrintableStream() override;

 private:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char* text, std::streamsize n) override;
  int sync() override;
  bool pass_on(std::size_t n);

  std::ostream& out_;
  std::streambuf* target_;
  std::string text_;
};

}  // namespace sluice::cli
