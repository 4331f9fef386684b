#include "sluice/base/error.h"
#include "sluice/dnn/train/trainer.h"

namespace sluice::dnn {

std::string_view to_string(NetworkKind kind) {
  switch (kind) {
    case NetworkKind::mlp:
      return "mlp";
    case NetworkKind::tabm:
      return "tabm";
    case NetworkKind::embedding:
      return "embedding";
  }
  return "?";
}

NetworkKind parse_network_kind(std::string_view name) {
  for (const auto kind : {NetworkKind::mlp, NetworkKind::tabm, NetworkKind::embedding})
    if (name == to_string(kind)) return kind;
  throw Error("network.kind", "unknown network kind \"" + std::string(name) + "\"", "use mlp, tabm or embedding");
}

MemberOptions MemberOptions::of(NetworkKind kind) {
  MemberOptions m;
  m.kind = kind;
  if (kind == NetworkKind::tabm) return m;
  m.hidden = {128, 128};
  m.dropout = 0.15;
  m.count = 3;
  return m;
}

std::vector<MemberOptions> MemberOptions::network_of(NetworkKind kind) {
  std::vector<MemberOptions> members = {of(kind)};
  if (kind == NetworkKind::tabm) {
    members.push_back(of(kind));
    members.back().residual = false;
  }
  return members;
}

}  // namespace sluice::dnn
