#include "sluice/io/arrow/arrow_metadata.h"

#include <array>
#include <bit>
#include <cstring>

#include "sluice/base/diagnostic.h"
#include "sluice/base/error.h"
#include "sluice/base/utf8.h"
#include "sluice/io/arrow/arrow_slots.h"

static_assert(std::endian::native == std::endian::little, "Arrow's buffers are read in place");

namespace sluice::io::arrow {
namespace {

/// A FlatBuffers table. Every access is checked to be within the message.
class Table {
 public:
  Table(std::string_view bytes, const fb::Table* table, const std::string& place)
      : bytes_(bytes), table_(table), place_(place) {
    auto verifier = make_verifier();
    require(table->VerifyTableStart(verifier));
  }

  static Table root(std::string_view bytes, const std::string& place) {
    fb::Verifier verifier(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (verifier.VerifyOffset(0) == 0) corrupt(place);
    return Table(bytes, fb::GetRoot<fb::Table>(bytes.data()), place);
  }

  [[noreturn]] static void corrupt(const std::string& place) {
    throw Error("arrow.corrupt", place + ": the message's metadata is damaged", "write the file again");
  }

  template <class T>
  T scalar(int n, T otherwise) const {
    require(table_->VerifyField<T>(make_verifier(), slot(n), sizeof(T)));
    return table_->GetField<T>(slot(n), otherwise);
  }

  std::optional<Table> table(int n) const {
    require(table_->VerifyOffset(make_verifier(), slot(n)));
    const auto* child = table_->GetPointer<const fb::Table*>(slot(n));
    return child ? std::optional(Table(bytes_, child, place_)) : std::nullopt;
  }

  std::string text(int n) const {
    require(table_->VerifyOffset(make_verifier(), slot(n)));
    const auto* text = table_->GetPointer<const fb::String*>(slot(n));
    require(make_verifier().VerifyString(text));
    return text ? text->str() : "";
  }

  std::vector<Table> tables(int n) const {
    require(table_->VerifyOffset(make_verifier(), slot(n)));
    const auto* items = table_->GetPointer<const fb::Vector<fb::Offset<fb::Table>>*>(slot(n));
    const auto verifier = make_verifier();
    require(verifier.VerifyVector(items));
    std::vector<Table> tables;
    for (fb::uoffset_t i = 0; items && i < items->size(); ++i) {
      const std::uint8_t* offset = items->Data() + i * sizeof(fb::uoffset_t);
      require(verifier.VerifyOffset(offset, 0) != 0);
      tables.emplace_back(bytes_, reinterpret_cast<const fb::Table*>(offset + fb::ReadScalar<fb::uoffset_t>(offset)),
                          place_);
    }
    return tables;
  }

  template <class Struct>
  std::vector<Struct> structs(int n) const {
    require(table_->VerifyOffset(make_verifier(), slot(n)));
    const auto* items = table_->GetPointer<const fb::Vector<const Struct*>*>(slot(n));
    require(make_verifier().VerifyVector(items));
    std::vector<Struct> structs(items ? items->size() : 0);
    if (!structs.empty()) std::memcpy(structs.data(), items->Data(), structs.size() * sizeof(Struct));
    return structs;
  }

 private:
  fb::Verifier make_verifier() const {
    return fb::Verifier(reinterpret_cast<const std::uint8_t*>(bytes_.data()), bytes_.size());
  }
  void require(bool is_sound) const {
    if (!is_sound) corrupt(place_);
  }

  std::string_view bytes_;
  const fb::Table* table_;
  const std::string& place_;
};

[[noreturn]] void unsupported(const std::string& place, const std::string& name, unsigned type) {
  constexpr std::array<const char*, 25> kNames = {"none",
                                                  "null",
                                                  "int",
                                                  "float16",
                                                  "binary",
                                                  "utf8",
                                                  "bool",
                                                  "decimal",
                                                  "date",
                                                  "time",
                                                  "timestamp",
                                                  "interval",
                                                  "list",
                                                  "struct",
                                                  "union",
                                                  "fixed-size binary",
                                                  "fixed-size list",
                                                  "map",
                                                  "duration",
                                                  "large binary",
                                                  "large utf8",
                                                  "large list",
                                                  "run-end encoded",
                                                  "binary view",
                                                  "utf8 view"};
  throw Error("arrow.type",
              place + ": the column " + quote(name) + " has an unsupported type (" +
                  (type < kNames.size() ? kNames[type] : "unknown") + ")",
              "cast it to a number, text, date or timestamp, or drop it");
}

void read_integer(const std::optional<Table>& type, Field& out, const std::string& place) {
  out.type = Type::integer;
  out.bit_width = type ? type->scalar<std::int32_t>(integer::bit_width, 0) : 32;
  out.is_signed = !type || type->scalar<std::uint8_t>(integer::is_signed, 0);
  if (out.bit_width != 8 && out.bit_width != 16 && out.bit_width != 32 && out.bit_width != 64) Table::corrupt(place);
}

Field read_field(const Table& table, const std::string& place) {
  Field out;
  out.name = table.text(field::name);
  if (!is_utf8(out.name)) Table::corrupt(place);
  const auto type_id = table.scalar<std::uint8_t>(field::type_type, 0);
  const auto type = table.table(field::type);
  if (!type) Table::corrupt(place);
  out.type = static_cast<Type>(type_id);
  if (const auto dictionary = table.table(field::dictionary)) {
    if (out.type != Type::utf8 && out.type != Type::large_utf8) unsupported(place, out.name, type_id);
    out.dictionary = dictionary->scalar<std::int64_t>(dictionary_encoding::id, 0);
    out.is_large_dictionary = out.type == Type::large_utf8;
    read_integer(dictionary->table(dictionary_encoding::index_type), out, place);
    return out;
  }
  switch (out.type) {
    case Type::null:
    case Type::utf8:
    case Type::large_utf8:
    case Type::boolean:
      break;
    case Type::integer:
      read_integer(type, out, place);
      break;
    case Type::floating: {
      const auto precision = type->scalar<std::int16_t>(kPrecision, kHalf);
      if (precision != kSingle && precision != kDouble) unsupported(place, out.name, type_id);
      out.bit_width = precision == kSingle ? 32 : 64;
      break;
    }
    case Type::date:
    case Type::timestamp: {
      out.unit = type->scalar<std::int16_t>(kUnit, out.type == Type::date ? 1 : 0);
      if (out.unit < 0 || out.unit > (out.type == Type::date ? 1 : 3)) Table::corrupt(place);
      break;
    }
    default:
      unsupported(place, out.name, type_id);
  }
  return out;
}

Batch read_batch(const Table& table, const std::string& place) {
  if (table.table(record_batch::compression))
    throw Error("arrow.compressed", place + ": the record batch is compressed",
                "write it without compression (pyarrow: IpcWriteOptions(compression=None)), or gzip the file");
  Batch out;
  out.n_rows = table.scalar<std::int64_t>(record_batch::length, 0);
  out.nodes = table.structs<FieldNode>(record_batch::nodes);
  out.buffers = table.structs<Buffer>(record_batch::buffers);
  return out;
}

void read_schema(const Table& table, const std::string& place, std::vector<Field>& fields) {
  if (table.scalar<std::int16_t>(schema::endianness, 0) != 0)
    throw Error("arrow.type", place + ": the data is big-endian", "write it on a little-endian machine");
  for (const Table& one : table.tables(schema::fields)) fields.push_back(read_field(one, place));
}

}  // namespace

Message decode_message(std::string_view bytes, const std::string& place) {
  const Table table = Table::root(bytes, place);
  const auto version = table.scalar<std::int16_t>(message::version, 0);
  if (version != kVersion4 && version != kVersion5)
    throw Error("arrow.corrupt", place + ": metadata version " + std::to_string(version + 1) + " is not 4 or 5",
                "write it with Arrow 0.8 or later");
  Message out;
  out.body_bytes = table.scalar<std::int64_t>(message::body_length, 0);
  const auto type = table.scalar<std::uint8_t>(message::header_type, 0);
  const auto header = table.table(message::header);
  if (!header || out.body_bytes < 0) Table::corrupt(place);
  if (type == kSchema) {
    read_schema(*header, place, out.fields);
  } else if (type == kRecordBatch) {
    out.kind = Message::Kind::batch;
    out.batch = read_batch(*header, place);
  } else if (type == kDictionaryBatch) {
    out.kind = Message::Kind::dictionary;
    out.dictionary_id = header->scalar<std::int64_t>(dictionary_batch::id, 0);
    out.is_delta = header->scalar<std::uint8_t>(dictionary_batch::is_delta, 0) != 0;
    const auto data = header->table(dictionary_batch::data);
    if (!data) Table::corrupt(place);
    out.batch = read_batch(*data, place);
  } else {
    Table::corrupt(place);
  }
  return out;
}

}  // namespace sluice::io::arrow
