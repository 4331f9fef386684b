#pragma once
/// Where Arrow's metadata tables keep their fields. Not installed.
///
/// Numbers and constants are those of Arrow's format/Message.fbs and format/Schema.fbs (apache/arrow, format
/// version 1.4).

#include <flatbuffers/flatbuffers.h>

#include <cstdint>

namespace sluice::io::arrow {

namespace fb = flatbuffers;

/// Offset of the n-th field of a table in its vtable, which begins with two lengths.
constexpr fb::voffset_t slot(int n) { return static_cast<fb::voffset_t>(4 + 2 * n); }

// Field numbers.
namespace message {
enum { version, header_type, header, body_length };
}
namespace record_batch {
enum { length, nodes, buffers, compression };
}
namespace dictionary_batch {
enum { id, data, is_delta };
}
namespace schema {
enum { endianness, fields };
}
namespace field {
enum { name, nullable, type_type, type, dictionary, children };
}
namespace dictionary_encoding {
enum { id, index_type };
}
namespace integer {
enum { bit_width, is_signed };
}

inline constexpr int kUnit = 0, kPrecision = 0;              // first fields of Date, Timestamp and FloatingPoint
inline constexpr std::int16_t kVersion4 = 3, kVersion5 = 4;  // MetadataVersion
enum HeaderType : std::uint8_t { kSchema = 1, kDictionaryBatch = 2, kRecordBatch = 3 };
enum Precision : std::int16_t { kHalf = 0, kSingle = 1, kDouble = 2 };

}  // namespace sluice::io::arrow
