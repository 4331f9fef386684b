#include "sluice/io/arrow/arrow_metadata.h"
#include "sluice/io/arrow/arrow_slots.h"

namespace sluice::io::arrow {
namespace {

Type type_of(const ArrowColumn& column) {
  switch (column.type) {
    case ArrowColumn::Type::utf8:
      return Type::utf8;
    case ArrowColumn::Type::int64:
      return Type::integer;
    default:
      return Type::floating;
  }
}

fb::Offset<void> encode_type(fb::FlatBufferBuilder& builder, ArrowColumn::Type type) {
  const auto start = builder.StartTable();
  if (type == ArrowColumn::Type::int64) {
    builder.AddElement<std::int32_t>(slot(integer::bit_width), 64, 0);
    builder.AddElement<std::uint8_t>(slot(integer::is_signed), 1, 0);
  } else if (type != ArrowColumn::Type::utf8) {
    builder.AddElement<std::int16_t>(slot(kPrecision), type == ArrowColumn::Type::float64 ? kDouble : kSingle, 0);
  }
  return builder.EndTable(start);
}

fb::Offset<void> encode_field(fb::FlatBufferBuilder& builder, const ArrowColumn& column) {
  const auto name = builder.CreateString(column.name);
  const auto type = encode_type(builder, column.type);
  // Arrow's own reader requires the list
  const auto no_children = builder.CreateVector(std::vector<fb::Offset<void>>{});
  const auto start = builder.StartTable();
  builder.AddOffset(slot(field::name), name);
  builder.AddElement<std::uint8_t>(slot(field::nullable), 1, 0);
  builder.AddElement<std::uint8_t>(slot(field::type_type), static_cast<std::uint8_t>(type_of(column)), 0);
  builder.AddOffset(slot(field::type), type);
  builder.AddOffset(slot(field::children), no_children);
  return builder.EndTable(start);
}

std::string encode_message(fb::FlatBufferBuilder& builder, HeaderType type, fb::Offset<void> header,
                           std::int64_t body_bytes) {
  const auto start = builder.StartTable();
  builder.AddElement<std::int64_t>(slot(message::body_length), body_bytes, 0);
  builder.AddOffset(slot(message::header), header);
  builder.AddElement<std::int16_t>(slot(message::version), kVersion5, 0);
  builder.AddElement<std::uint8_t>(slot(message::header_type), type, 0);
  builder.Finish(fb::Offset<void>(builder.EndTable(start)));
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

}  // namespace

std::string encode_schema(const std::vector<ArrowColumn>& columns) {
  fb::FlatBufferBuilder builder;
  std::vector<fb::Offset<void>> fields;
  for (const auto& column : columns) fields.push_back(encode_field(builder, column));
  const auto all = builder.CreateVector(fields);
  const auto start = builder.StartTable();
  builder.AddOffset(slot(schema::fields), all);
  const fb::Offset<void> header = builder.EndTable(start);
  return encode_message(builder, kSchema, header, 0);
}

std::string encode_batch(const Batch& batch, std::int64_t body_bytes) {
  fb::FlatBufferBuilder builder;
  const auto nodes = builder.CreateVectorOfStructs(batch.nodes);
  const auto buffers = builder.CreateVectorOfStructs(batch.buffers);
  const auto start = builder.StartTable();
  builder.AddElement<std::int64_t>(slot(record_batch::length), batch.n_rows, 0);
  builder.AddOffset(slot(record_batch::nodes), nodes);
  builder.AddOffset(slot(record_batch::buffers), buffers);
  const fb::Offset<void> header = builder.EndTable(start);
  return encode_message(builder, kRecordBatch, header, body_bytes);
}

}  // namespace sluice::io::arrow
