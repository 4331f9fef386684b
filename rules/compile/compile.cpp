#include <utility>

#include "sluice/base/file.h"
#include "sluice/base/json_fields.h"
#include "sluice/rules/compile/define.h"
#include "sluice/rules/eval/state.h"

namespace sluice::rules {
namespace {

Digest digest_of(const Document& document, const std::vector<Digest>& files, const Schema& schema, Phase phase) {
  Hasher hasher;
  const auto add = [&](const std::string& part) {
    hasher.update(part);
    hasher.update(std::string_view("\0", 1));
  };
  for (const std::string& part :
       {std::string("sluice.rules.2"), std::string(to_string(phase)), schema.digest().hex(), document.canonical})
    add(part);
  for (const Digest& file : files) add(file.hex());
  return hasher.finish();
}

class Compiler {
 public:
  Compiler(RuleSet::State& state, const std::string& source, std::vector<Diagnostic>& out)
      : state_(state), source_(source), out_(out) {}

  void run(const ReadBeside& read_beside) {
    std::vector<Digest> files;
    Definer definer(state_.document, source_, state_.schema, state_.phase, state_.graph, out_);
    definer.define(read_beside, files);
    for (std::size_t i = 0; i < state_.document.rules.size() && has_room(out_); ++i)
      if (state_.document.has_when[i]) condition(i, definer.names());
    if (has_errors(out_)) return;
    schedule_all();
    state_.digest = digest_of(state_.document, files, state_.schema, state_.phase);
  }

 private:
  void condition(std::size_t i, const Names& names) {
    const auto ast = read_expression(state_.document.rules[i].when, pointer(i), source_, names, true, out_);
    state_.conditions.push_back(ast ? lower(*ast, names.definitions, state_.graph) : Lowered{});
  }

  void schedule_all() {
    Scheduler scheduler(state_.graph);
    std::vector<Edge> roots;
    for (std::size_t i = 0; i < state_.conditions.size(); ++i) {
      const Lowered& condition = state_.conditions[i];
      roots.push_back(condition.value);
      std::vector<Edge> conjuncts;
      for (const Conjunct& conjunct : condition.conjuncts) conjuncts.push_back(conjunct.truth);
      auto program = scheduler.for_row(conjuncts);
      const Edge root[] = {condition.value};
      if (!program || !scheduler.for_batch(root))
        add("too_deep", pointer(i), "the condition needs more registers than there are", "split the rule");
      else
        state_.conjuncts.push_back(std::move(*program));
    }
    if (has_errors(out_)) return;
    state_.row_program = std::move(*scheduler.for_row(roots));
    state_.batch_program = std::move(*scheduler.for_batch(roots));
    state_.cost = cost_of(state_.row_program);
    if (state_.cost > state_.document.max_cost)
      add("cost", "/rules",
          "evaluating a row costs " + std::to_string(state_.cost) + " units; " +
              std::to_string(state_.document.max_cost) + " is the limit",
          "split the set, or define repeated expressions as derived fields");
  }

  static std::string pointer(std::size_t rule) { return "/rules/" + std::to_string(rule) + "/when"; }

  void add(const char* kind, std::string pointer, std::string message, std::string hint) {
    out_.push_back({.code = std::string("rules.") + kind,
                    .source = source_,
                    .pointer = std::move(pointer),
                    .message = std::move(message),
                    .hint = std::move(hint)});
  }

  RuleSet::State& state_;
  const std::string& source_;
  std::vector<Diagnostic>& out_;
};

}  // namespace

CompileResult RuleSet::compile(std::string_view json, std::string_view source_name, const Schema& schema, Phase phase,
                               const ReadBeside& read_beside) {
  const std::string source(source_name);
  CompileResult result;
  auto document = read_document(json, source, schema, phase, result.diagnostics);
  if (!document) return result;

  auto state = std::make_shared<State>();
  state->schema = schema;
  state->phase = phase;
  state->document = std::move(*document);
  Compiler(*state, source, result.diagnostics).run(read_beside);
  tell_of_more(result.diagnostics, source, "rules");
  if (!has_errors(result.diagnostics)) result.rules = RuleSet(std::move(state));
  return result;
}

RuleSet RuleSet::load(const std::filesystem::path& path, const Schema& schema, Phase phase) {
  CompileResult result = compile(read_file(path), path.string(), schema, phase,
                                 [&](const std::string& name) { return read_file(path.parent_path() / name); });
  throw_if_errors(result.diagnostics);
  return std::move(*result.rules);
}

}  // namespace sluice::rules
