#include "sluice/cli/verbs/decision_sink.h"

#include <cmath>

#include "sluice/base/error.h"
#include "sluice/base/file.h"
#include "sluice/base/number.h"
#include "sluice/cli/csv_text.h"
#include "sluice/io/arrow_ipc.h"

namespace sluice::cli {
namespace {

using cascade::Decision;
using cascade::RecordContext;

constexpr std::size_t kFlushBytes = 1 << 20;

/// Writes lines of text, 1 MiB at a time.
class TextSink : public DecisionSink {
 public:
  TextSink(const std::string& path, const cascade::Bundle& bundle) : bundle_(bundle), file_(path) {}

  void add(const Decision& decision, const RecordContext& context) override {
    append_line(decision, context);
    text_ += '\n';
    if (text_.size() >= kFlushBytes) flush();
  }
  void finish() override {
    flush();
    file_.commit();
  }

 protected:
  virtual void append_line(const Decision& decision, const RecordContext& context) = 0;
  void flush() {
    file_.write(text_);
    text_.clear();
  }

  const cascade::Bundle& bundle_;
  AtomicFile file_;
  std::string text_;
};

class JsonLinesSink final : public TextSink {
 public:
  using TextSink::TextSink;

 private:
  void append_line(const Decision& decision, const RecordContext& context) override {
    append_record(text_, bundle_, decision, context);
  }
};

class CsvSink final : public TextSink {
 public:
  CsvSink(const std::string& path, const cascade::Bundle& bundle, bool is_safe)
      : TextSink(path, bundle), is_safe_(is_safe) {
    text_ = "row,id,action,path,level,p_forest,p_network,p_final,margin_forest,margin_network,reasons\n";
  }

 private:
  template <class T>
  void append_cell(T value) {
    text_ += ',';
    if (!std::isnan(value)) append_number(text_, value);
  }
  void append_line(const Decision& d, const RecordContext& context) override {
    text_ += std::to_string(context.row);
    text_ += ',';
    append_csv_text(text_, context.id, is_safe_);
    ((text_ += ',') += rules::to_string(d.action)) += ',';
    append_path(text_, d);
    (text_ += ',') += to_string(d.level);
    append_cell(d.forest.p);
    append_cell(d.network.p);
    append_cell(d.p_final);
    append_cell(d.forest.margin);
    append_cell(d.network.margin);
    text_ += ',';
    reasons_.clear();
    append_reason_codes(reasons_, bundle_, d, context.reasons);
    append_csv_text(text_, reasons_, is_safe_);
  }

  const bool is_safe_;
  std::string reasons_;
};

class ArrowSink final : public DecisionSink {
 public:
  ArrowSink(const std::string& path, const cascade::Bundle& bundle) : bundle_(bundle), writer_(path, columns()) {}

  void add(const Decision& d, const RecordContext& context) override {
    writer_.add_int(0, static_cast<std::int64_t>(context.row));
    if (!context.id.empty()) writer_.add_text(1, context.id);
    writer_.add_text(2, rules::to_string(d.action));
    text_.clear();
    append_path(text_, d);
    writer_.add_text(3, text_);
    writer_.add_text(4, to_string(d.level));
    writer_.add_double(5, d.forest.p);
    writer_.add_double(6, d.network.p);
    writer_.add_double(7, d.p_final);
    writer_.add_double(8, d.forest.margin);
    writer_.add_double(9, d.network.margin);
    text_.clear();
    append_reason_codes(text_, bundle_, d, context.reasons);
    writer_.add_text(10, text_);
    writer_.end_row();
  }
  void finish() override { writer_.finish(); }

 private:
  static std::vector<io::ArrowColumn> columns() {
    using Type = io::ArrowColumn::Type;
    return {{"row", Type::int64},
            {"id", Type::utf8},
            {"action", Type::utf8},
            {"path", Type::utf8},
            {"level", Type::utf8},
            {"p_forest", Type::float64},
            {"p_network", Type::float64},
            {"p_final", Type::float64},
            {"margin_forest", Type::float32},
            {"margin_network", Type::float32},
            {"reasons", Type::utf8}};
  }

  const cascade::Bundle& bundle_;
  io::ArrowWriter writer_;
  std::string text_;
};

}  // namespace

std::unique_ptr<DecisionSink> open_sink(const std::string& path, const cascade::Bundle& bundle,
                                        bool is_spreadsheet_safe) {
  if (path.ends_with(".csv")) return std::make_unique<CsvSink>(path, bundle, is_spreadsheet_safe);
  if (path.ends_with(".jsonl")) return std::make_unique<JsonLinesSink>(path, bundle);
  if (path.ends_with(".arrow")) return std::make_unique<ArrowSink>(path, bundle);
  throw Error("score.format", path + ": unsupported file extension", "use .csv, .jsonl or .arrow");
}

}  // namespace sluice::cli
