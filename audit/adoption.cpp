#include "sluice/audit/adoption.h"

#include "sluice/audit/log/bytes.h"
#include "sluice/base/error.h"
#include "sluice/base/json_text.h"

namespace sluice::audit {
namespace {

constexpr std::uint32_t kVersion = 1;

}  // namespace

void encode(std::string& bytes, const Adoption& adoption) {
  if (adoption.who.empty()) throw Error("adoption.who", "an adoption without the name of who ordered it");
  if (adoption.why.empty()) throw Error("adoption.why", "an adoption without a reason");
  ByteWriter writer(bytes);
  writer.put(kVersion).put(adoption.first).put(adoption.end);
  writer.bytes(adoption.chain.bytes.data(), adoption.chain.bytes.size()).text(adoption.who).text(adoption.why);
}

Adoption decode_adoption(std::string_view bytes) {
  ByteReader in(bytes);
  if (const auto version = in.get<std::uint32_t>(); version != kVersion)
    in.fail("record.version", "adoption version " + std::to_string(version) + "; this program reads version 1");
  Adoption adoption;
  adoption.first = in.get<std::uint64_t>();
  adoption.end = in.get<std::uint64_t>();
  std::memcpy(adoption.chain.bytes.data(), in.take(adoption.chain.bytes.size()).data(), adoption.chain.bytes.size());
  adoption.who = in.text();
  adoption.why = in.text();
  in.finish();
  if (adoption.first >= adoption.end) in.fail("record.value", "an adoption of no entries");
  if (adoption.who.empty() || adoption.why.empty()) in.fail("record.value", "an adoption without a name or a reason");
  return adoption;
}

void append_json(std::string& out, const Adoption& adoption) {
  JsonText json(out);
  json.open('{').field("first", adoption.first).field("end", adoption.end);
  json.field("chain", std::string_view(adoption.chain.hex())).field("by", std::string_view(adoption.who));
  json.field("why", std::string_view(adoption.why)).close('}');
}

}  // namespace sluice::audit
