#pragma once
// Reads a document's named definitions.

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sluice/rules/compile/check.h"
#include "sluice/rules/compile/document.h"
#include "sluice/rules/compile/lower.h"

namespace sluice::rules {

/// An expression that has been parsed and checked; nullopt after a fault. Faults are reported in the order of the text.
std::optional<Ast> read_expression(const std::string& text, const std::string& pointer, const std::string& source,
                                   const Names& names, bool is_condition, std::vector<Diagnostic>& out);

class Definer {
 public:
  Definer(const Document& document, const std::string& source, const Schema& schema, Phase phase, Graph& graph,
          std::vector<Diagnostic>& out)
      : document_(document), source_(source), schema_(schema), phase_(phase), graph_(graph), out_(out) {}

  /// All definitions of the document; `read_beside` reads the files of lists, whose digests are added to `files`.
  void define(const ReadBeside& read_beside, std::vector<Digest>& files);

  const Definitions& definitions() const { return definitions_; }
  /// The names that the document's expressions may read.
  Names names() { return {schema_, phase_, definitions_, n_patterns_}; }

 private:
  bool is_free(const std::string& name, const std::string& pointer);
  void constant(const Definition& constant);
  void list(const ListSource& source, const ReadBeside& read_beside, std::vector<Digest>& files);
  std::optional<std::string> contents(const ListSource& source, const ReadBeside& read_beside);
  std::vector<double> members(const ListSource& source, std::size_t column, const std::string& bytes);
  void derive_all();
  void derive(std::size_t i, int depth);
  void add(const char* kind, const std::string& pointer, std::string message, std::string hint = {});

  const Document& document_;
  const std::string& source_;
  const Schema& schema_;
  Phase phase_;
  Graph& graph_;
  std::vector<Diagnostic>& out_;
  Definitions definitions_;
  std::size_t n_patterns_ = 0;
  std::set<std::string> taken_;
  std::unordered_map<std::string_view, std::size_t> derived_index_;  // for each name, the first in the document
  enum class Progress : unsigned char { none, begun, done };
  std::vector<Progress> progress_;  // of each derived field of the document
};

}  // namespace sluice::rules
