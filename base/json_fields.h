#pragma once
/// Reads hand-written JSON documents field by field and collects every fault with its JSON pointer. Not installed.

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/diagnostic.h"

namespace sluice {

using Json = nlohmann::json;

/// Throws Error{`code`} with `source`, line and column. Duplicate keys are an error, because the document would be
/// ambiguous.
Json parse_json(std::string_view text, std::string_view source, std::string code);

/// One key as a JSON pointer step: '~' and '/' escaped (RFC 6901).
std::string pointer_step(std::string_view key);

/// Maximum number of faults of one document. Readers of lists stop at the limit, and `tell_of_more` reports it.
inline constexpr std::size_t kMaxFaults = 2000;
inline bool has_room(const std::vector<Diagnostic>& found) { return found.size() < kMaxFaults; }
void tell_of_more(std::vector<Diagnostic>& found, const std::string& source, const std::string& family);

/// The fields of one object. Each getter marks its key as known; `finish` reports the keys that are not known.
/// If a value has the wrong type or is out of range, the getter adds a diagnostic and returns the default.
class JsonFields {
 public:
  /// Codes are `family`.type, .missing, .range, .unknown_key. A value that is not an object is reported at once and
  /// reads as empty.
  JsonFields(const Json& object, std::string pointer, std::string source, std::string family,
             std::vector<Diagnostic>& out);

  bool has(const std::string& key) const { return object_->contains(key) && !(*object_)[key].is_null(); }
  bool is_null(const std::string& key) const { return object_->contains(key) && (*object_)[key].is_null(); }

  double number(const std::string& key, double otherwise, double low = -std::numeric_limits<double>::infinity(),
                double high = std::numeric_limits<double>::infinity());
  std::int64_t integer(const std::string& key, std::int64_t otherwise,
                       std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                       std::int64_t high = std::numeric_limits<std::int64_t>::max());
  bool boolean(const std::string& key, bool otherwise);
  std::string string(const std::string& key, std::string otherwise);
  /// One of `words`; `otherwise` must be one of them too.
  std::string word(const std::string& key, std::string otherwise, const std::vector<std::string>& words);
  std::vector<std::string> strings(const std::string& key);
  std::vector<double> numbers(const std::string& key);
  /// The value itself, marked as known; nullptr if absent.
  const Json* child(const std::string& key);

  /// Reports `family`.renamed if the document has the key under its former name.
  void renamed(const std::string& former, const std::string& now);
  void require(const std::string& key);  // reports `family`.missing if the key is absent
  void add(const std::string& kind, const std::string& key, std::string message, std::string hint = {});
  std::string pointer_to(const std::string& key) const { return pointer_ + "/" + pointer_step(key); }
  void finish();

 private:
  const Json* known(const std::string& key);
  void wrong_type(const std::string& key, const std::string& wanted);

  const Json* object_;
  std::string pointer_, source_, family_;
  std::vector<Diagnostic>& out_;
  std::vector<std::string> known_;
};

}  // namespace sluice
