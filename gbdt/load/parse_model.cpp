#include <limits>
#include <nlohmann/json.hpp>

#include "sluice/base/error.h"
#include "sluice/gbdt/load/xgboost_json.h"

namespace sluice::gbdt {
namespace {

using FloatJson = nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t, std::uint64_t, float>;

/// The word at the start of `text` if XGBoost writes it and JSON does not allow it; otherwise empty.
std::string_view non_number_word(std::string_view text) {
  for (const std::string_view word : {"NaN", "Infinity", "-Infinity"})
    if (text.starts_with(word)) return text.substr(0, word.size());
  return {};
}

/// The text with those words in quotes; the text itself if it has none.
std::string_view quote_non_numbers(std::string_view text, std::string& quoted) {
  if (text.find("NaN") == text.npos && text.find("Infinity") == text.npos) return text;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view word = in_string ? std::string_view() : non_number_word(text.substr(i));
    if (!word.empty()) {
      quoted.append("\"").append(word).append("\"");
      i += word.size();
      continue;
    }
    const std::size_t size = in_string && text[i] == '\\' ? 2 : 1;  // an escaped quote does not end a string
    if (text[i] == '"') in_string = !in_string;
    quoted.append(text.substr(i, size));
    i += size;
  }
  return quoted;
}

/// nlohmann's events to ModelNodes. Numbers of an array are stored bare until another kind of value follows.
class ModelBuilder final : public nlohmann::json_sax<FloatJson> {
 public:
  explicit ModelBuilder(std::size_t n_bytes) : n_values_left_(n_bytes) {}

  bool null() override { return put({}); }
  bool boolean(bool value) override { return number_integer(value ? 1 : 0); }
  bool number_integer(std::int64_t value) override {
    if (!count()) return false;
    if (auto* array = top_array<Integers>()) return array->push_back(value), true;
    if (auto* array = top_array<Floats>()) return array->push_back(static_cast<float>(value)), true;
    return put({value});
  }
  bool number_unsigned(std::uint64_t value) override {
    if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return number_integer(static_cast<std::int64_t>(value));
    return number_float(static_cast<float>(value), {});
  }
  bool number_float(float value, const std::string&) override {
    if (!count()) return false;
    if (auto* array = top_array<Floats>()) return array->push_back(value), true;
    if (auto* array = top_array<Integers>()) {
      Floats floats(array->begin(), array->end());
      floats.push_back(value);
      open_.back()->value = std::move(floats);
      return true;
    }
    return put({value});
  }
  bool string(std::string& value) override { return put({std::move(value)}); }
  bool binary(binary_t&) override { return refuse("binary data"); }
  bool start_object(std::size_t) override { return open({ModelObject()}); }
  bool end_object() override { return close(); }
  /// UBJSON gives the length first: a length that the file cannot contain must not be trusted.
  bool start_array(std::size_t size) override {
    if (size != static_cast<std::size_t>(-1) && size > n_values_left_) return refuse("an array longer than the file");
    return open({ModelArray()});
  }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    auto& object = std::get<ModelObject>(open_.back()->value);
    object.keys.push_back(std::move(name));
    object.values.emplace_back();
    return true;
  }
  bool parse_error(std::size_t byte, const std::string&, const nlohmann::detail::exception&) override {
    return refuse("it is truncated or not JSON at byte " + std::to_string(byte));
  }

  const std::string& fault() const { return fault_; }
  ModelNode take() { return std::move(root_); }

 private:
  static constexpr std::size_t kMaxNesting = 64;  // models nest 10 deep; UBJSON is read recursively

  bool refuse(std::string why) {
    if (fault_.empty()) fault_ = std::move(why);
    return false;
  }
  /// Values without bytes of their own (UBJSON's typed arrays of null) could let a small file describe a large one.
  bool count() { return n_values_left_-- > 0 || refuse("more values than bytes"); }

  template <class Numbers>
  Numbers* top_array() {
    if (open_.empty()) return nullptr;
    auto& value = open_.back()->value;
    if (const auto* array = std::get_if<ModelArray>(&value); array != nullptr && array->empty()) value = Numbers();
    return std::get_if<Numbers>(&value);
  }
  /// The place of a value in an array that is not a number.
  ModelNode* add(ModelNode node) {
    if (open_.empty()) return &(root_ = std::move(node));
    auto& value = open_.back()->value;
    if (auto* object = std::get_if<ModelObject>(&value)) return &(object->values.back() = std::move(node));
    if (auto* integers = std::get_if<Integers>(&value)) value = boxed(*integers);
    if (auto* floats = std::get_if<Floats>(&value)) value = boxed(*floats);
    return &std::get<ModelArray>(value).emplace_back(std::move(node));
  }
  template <class Numbers>
  static ModelArray boxed(const Numbers& numbers) {
    ModelArray array;
    for (const auto number : numbers) array.push_back({number});
    return array;
  }
  bool put(ModelNode node) { return count() && (add(std::move(node)), true); }
  bool open(ModelNode node) {
    if (open_.size() >= kMaxNesting) return refuse("nested deeper than any model");
    if (!count()) return false;
    open_.push_back(add(std::move(node)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  ModelNode root_;
  // The values being filled, outermost first: nothing is added to their parents meanwhile.
  std::vector<ModelNode*> open_;
  std::size_t n_values_left_;
  std::string fault_;
};

bool is_ubjson(std::string_view bytes) {
  return bytes.size() > 1 && bytes[0] == '{' && std::string_view("LlIiU").find(bytes[1]) != std::string_view::npos;
}

}  // namespace

ModelNode parse_model(std::string_view bytes, std::string_view source) {
  const bool binary = is_ubjson(bytes);
  std::string quoted;
  const std::string_view text = binary ? bytes : quote_non_numbers(bytes, quoted);
  ModelBuilder builder(text.size());
  const auto format = binary ? nlohmann::detail::input_format_t::ubjson : nlohmann::detail::input_format_t::json;
  bool is_whole = false;
  std::string fault;
  try {
    is_whole = FloatJson::sax_parse(text.begin(), text.end(), &builder, format);
    fault = builder.fault();
  } catch (const FloatJson::exception& e) {
    fault = e.what();
  }
  if (!is_whole)
    throw Error("forest.json", std::string(source) + ": " + fault,
                "save the model with save_model(\"model.json\") or save_model(\"model.ubj\")");
  return builder.take();
}

}  // namespace sluice::gbdt
