#include "sluice/rules/compile/define.h"

#include <algorithm>
#include <utility>

#include "sluice/base/diagnostic.h"
#include "sluice/base/error.h"
#include "sluice/base/json_fields.h"
#include "sluice/rules/compile/lexer.h"
#include "sluice/rules/compile/parse.h"

namespace sluice::rules {
namespace {

constexpr std::size_t kMaxListFaults = 100;

/// All names in an expression.
std::vector<std::string> names_in(const std::string& text) {
  std::vector<Diagnostic> ignored;
  Faults faults("", "", text, ignored);
  Lexer lexer(text, faults);
  std::vector<std::string> names;
  for (Token token = lexer.next(); token.kind != TokenKind::end && token.kind != TokenKind::bad; token = lexer.next())
    if (token.kind == TokenKind::name) names.push_back(token.text);
  return names;
}

/// The lines of `bytes` that are not blank, trimmed.
std::vector<std::string_view> lines_of(std::string_view bytes) {
  std::vector<std::string_view> lines;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
    std::string_view line = bytes.substr(begin, end - begin);
    const std::size_t first = line.find_first_not_of(" \t\r"), last = line.find_last_not_of(" \t\r");
    if (first != std::string_view::npos) lines.push_back(line.substr(first, last - first + 1));
    begin = end + 1;
  }
  return lines;
}

}  // namespace

std::optional<Ast> read_expression(const std::string& text, const std::string& pointer, const std::string& source,
                                   const Names& names, bool is_condition, std::vector<Diagnostic>& out) {
  const auto n_before = static_cast<std::ptrdiff_t>(out.size());
  Faults faults(source, pointer, text, out);
  auto ast = parse(text, faults);
  if (ast) check(*ast, text, names, faults);
  if (ast && is_condition) check_condition(*ast, faults);
  std::stable_sort(out.begin() + n_before, out.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return a.column < b.column; });
  if (std::ssize(out) != n_before) return std::nullopt;
  return ast;
}

void Definer::define(const ReadBeside& read_beside, std::vector<Digest>& files) {
  for (const Definition& definition : document_.constants)
    if (has_room(out_)) constant(definition);
  for (const ListSource& source : document_.lists)
    if (has_room(out_)) list(source, read_beside, files);
  derive_all();
}

bool Definer::is_free(const std::string& name, const std::string& pointer) {
  const bool is_known = schema_.find(name) || given_name(name);
  if (is_known)
    add("name", pointer, quote(name) + " is already a column or a given value", "use another name");
  else if (!taken_.insert(name).second)
    add("name", pointer, quote(name) + " is defined twice", "constants, lists and derived fields share their names");
  else
    return true;
  return false;
}

void Definer::constant(const Definition& constant) {
  if (!is_free(constant.name, constant.pointer)) return;
  const auto ast = read_expression(constant.text, constant.pointer, source_, names(), false, out_);
  if (!ast) return;
  if (ast->nodes.size() == 1 && ast->nodes[0].is_literal())
    definitions_.constants.emplace(constant.name, ast->nodes[0]);
  else
    add("value", constant.pointer, "a constant is one literal", "define an expression under \"derived\"");
}

void Definer::list(const ListSource& source, const ReadBeside& read_beside, std::vector<Digest>& files) {
  if (!is_free(source.name, source.pointer)) return;
  const auto column = schema_.find(source.column);
  if (!column) return add("unknown_column", source.pointer + "/of", "the schema has no column " + quote(source.column));
  std::string bytes;
  if (!source.file.empty()) {
    auto read = contents(source, read_beside);
    if (!read) return;
    bytes = std::move(*read);
    files.push_back(sha256(bytes));
  }
  const std::size_t set = graph_.add_set(NumberSet(members(source, *column, bytes)));
  definitions_.lists.emplace(source.name, List{type_of(schema_[*column]), set});
}

std::optional<std::string> Definer::contents(const ListSource& source, const ReadBeside& read_beside) {
  const std::string pointer = source.pointer + "/file";
  const bool is_plain =
      source.file.find_first_of("/\\") == std::string::npos && source.file != "." && source.file != "..";
  if (!is_plain)
    return add("file", pointer, "a list must be in the document's folder", "write only the file's name"), std::nullopt;
  if (!read_beside)
    return add("file", pointer, "cannot read " + quote(source.file) + ": the document has no folder"), std::nullopt;
  try {
    return read_beside(source.file);
  } catch (const Error& e) {
    return add("file", pointer, excerpt(e.message(), 300), e.hint()), std::nullopt;
  }
}

std::vector<double> Definer::members(const ListSource& source, std::size_t column, const std::string& bytes) {
  std::vector<std::string_view> texts(source.members.begin(), source.members.end());
  if (!source.file.empty()) texts = lines_of(bytes);
  std::vector<double> members;
  members.reserve(texts.size());
  std::size_t n_faults = 0;
  for (std::size_t i = 0; i < texts.size() && n_faults < kMaxListFaults; ++i) {
    double cell = 0;
    if (schema_.parse_cell(column, texts[i], cell) == CellStatus::ok) {
      members.push_back(cell);
      continue;
    }
    ++n_faults;
    const std::string place =
        source.file.empty() ? "value " + std::to_string(i) : excerpt(source.file) + ", text " + std::to_string(i + 1);
    add("value", source.pointer, place + ": " + quote(texts[i]) + " is not a value of " + source.column);
  }
  return members;
}

void Definer::derive_all() {
  for (std::size_t i = 0; i < document_.derived.size(); ++i) derived_index_.emplace(document_.derived[i].name, i);
  progress_.resize(document_.derived.size());
  for (std::size_t i = 0; i < document_.derived.size() && has_room(out_); ++i) derive(i, 1);
}

/// Resolves operands first; a chain of derived fields is as deep as it is long, and no longer than kMaxNesting.
void Definer::derive(std::size_t i, int depth) {
  const Definition& field = document_.derived[i];
  if (progress_[i] == Progress::done) return;
  progress_[i] = Progress::begun;
  for (const std::string& name : names_in(field.text)) {
    const auto found = derived_index_.find(name);
    if (found == derived_index_.end() || progress_[found->second] == Progress::done) continue;
    if (progress_[found->second] == Progress::begun || depth > kMaxNesting) {
      add("cycle", field.pointer,
          quote(field.name) + " and " + quote(name) + " depend on each other, or on too many others");
      progress_[i] = Progress::done;
      return;
    }
    derive(found->second, depth + 1);
  }
  progress_[i] = Progress::done;
  if (!is_free(field.name, field.pointer)) return;
  const auto ast = read_expression(field.text, field.pointer, source_, names(), false, out_);
  if (!ast) return;
  const Type& type = ast->nodes.back().type;
  if (type.is(Type::Kind::text) || type.is(Type::Kind::words))
    return add("type", field.pointer, "a text cannot be a derived field", "derive the result of a comparison instead");
  const Lowered lowered = lower(*ast, definitions_, graph_);
  definitions_.derived_names.emplace(field.name, definitions_.derived.size());
  definitions_.derived.push_back({type, lowered.value, lowered.reads});
}

void Definer::add(const char* kind, const std::string& pointer, std::string message, std::string hint) {
  out_.push_back({.code = std::string("rules.") + kind,
                  .source = source_,
                  .pointer = pointer,
                  .message = std::move(message),
                  .hint = std::move(hint)});
}

}  // namespace sluice::rules
