#include <algorithm>
#include <iterator>
#include <utility>

#include "sluice/base/file.h"
#include "sluice/rules/check.h"
#include "sluice/rules/parse.h"
#include "sluice/rules/state.h"

namespace sluice::rules {
namespace {

/// An empty condition after a fault; the faults come in the order of the text.
Condition compile_condition(std::string_view when, const Schema& schema, Phase phase, Program& program, Faults& faults,
                            std::vector<Diagnostic>& out) {
  const auto n_before = static_cast<std::ptrdiff_t>(out.size());
  auto ast = parse(when, faults);
  if (ast) check(*ast, when, schema, phase, faults);
  std::stable_sort(out.begin() + n_before, out.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return a.column < b.column; });
  return std::ssize(out) == n_before ? lower(*ast, program, faults) : Condition{};
}

Digest digest_of(const Document& document, const Schema& schema, Phase phase) {
  Hasher hasher;
  for (const std::string& part :
       {std::string("sluice.rules.1"), std::string(to_string(phase)), schema.digest().hex(), document.canonical}) {
    hasher.update(part);
    hasher.update(std::string_view("\0", 1));
  }
  return hasher.finish();
}

}  // namespace

CompileResult RuleSet::compile(std::string_view json, std::string_view source_name, const Schema& schema, Phase phase) {
  const std::string source(source_name);
  CompileResult result;
  auto document = read_document(json, source, schema, phase, result.diagnostics);
  if (!document) return result;

  auto state = std::make_shared<State>();
  state->schema = schema;
  state->phase = phase;
  for (std::size_t i = 0; i < document->rules.size(); ++i) {
    if (!document->has_when[i]) continue;
    const std::string& when = document->rules[i].when;
    Faults faults(source, "/rules/" + std::to_string(i) + "/when", when, result.diagnostics);
    state->conditions.push_back(compile_condition(when, schema, phase, state->program, faults, result.diagnostics));
  }
  if (has_errors(result.diagnostics)) return result;

  state->digest = digest_of(*document, schema, phase);
  state->document = std::move(*document);
  result.rules = RuleSet(std::move(state));
  return result;
}

RuleSet RuleSet::load(const std::filesystem::path& path, const Schema& schema, Phase phase) {
  CompileResult result = compile(read_file(path), path.string(), schema, phase);
  throw_if_errors(result.diagnostics);
  return std::move(*result.rules);
}

}  // namespace sluice::rules
