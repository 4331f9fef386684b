#pragma once
/// The metadata of Arrow IPC messages: reads FlatBuffers tables with every offset checked, and writes them. Not
/// installed.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/io/arrow_ipc.h"

namespace sluice::io::arrow {

enum class Type : std::uint8_t {
  null = 1,
  integer = 2,
  floating = 3,
  utf8 = 5,
  boolean = 6,
  date = 8,
  timestamp = 10,
  large_utf8 = 20
};

struct Field {
  std::string name;
  Type type = Type::null;
  int bit_width = 0;                       // integer: 8 to 64; floating: 32, 64
  bool is_signed = false;                  // integer
  int unit = 0;                            // date: 0 days, 1 ms; timestamp: 0 s, 1 ms, 2 us, 3 ns
  std::optional<std::int64_t> dictionary;  // its id; the fields above then describe the indices
  bool is_large_dictionary = false;        // the dictionary's values are large_utf8
};

struct FieldNode {
  std::int64_t length = 0, null_count = 0;
};

struct Buffer {
  std::int64_t offset = 0, length = 0;  // within the body
};

struct Batch {
  std::int64_t n_rows = 0;
  std::vector<FieldNode> nodes;
  std::vector<Buffer> buffers;
};

struct Message {
  enum class Kind { schema, dictionary, batch } kind = Kind::schema;
  std::int64_t body_bytes = 0;
  std::vector<Field> fields;       // of a schema message
  Batch batch;                     // of a dictionary or batch message
  std::int64_t dictionary_id = 0;  // of a dictionary message
  bool is_delta = false;           // of a dictionary message
};

/// `bytes` must be aligned to 8. Messages of Error{arrow.corrupt|arrow.type|arrow.compressed} begin with `place`.
Message decode_message(std::string_view bytes, const std::string& place);

std::string encode_schema(const std::vector<ArrowColumn>& columns);
std::string encode_batch(const Batch& batch, std::int64_t body_bytes);

}  // namespace sluice::io::arrow
