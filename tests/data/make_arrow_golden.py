"""Makes arrow_golden.arrows (stream), arrow_golden.arrow (file), arrow_golden.csv (what both hold) and arrow_compressed.arrows.

Made with pyarrow 26.0.1: python3 make_arrow_golden.py
"""

import csv
import datetime as dt
import pathlib

import pyarrow as pa

HERE = pathlib.Path(__file__).parent
UTC = dt.UTC
T = [
    dt.datetime(2024, 2, 29, 23, 59, 59),
    dt.datetime(1969, 12, 31, 23, 59, 58),
    None,
    dt.datetime(1970, 1, 1),
    dt.datetime(2038, 1, 19, 3, 14, 8),
]
MICRO = [t and t + dt.timedelta(microseconds=m) for t, m in zip(T, [120, 999_999, 0, 0, 1])]

COLUMNS = {
    "f64": (pa.float64(), [0.1, -1e300, None, float("inf"), 5e-324]),
    "f32": (pa.float32(), [0.10000000149011612, -3.4028234663852886e38, None, 1.5, 16777216.0]),
    "i8": (pa.int8(), [-128, 127, None, 0, 1]),
    "i16": (pa.int16(), [-32768, 32767, None, 0, 1]),
    "i32": (pa.int32(), [-(2**31), 2**31 - 1, None, 0, 1]),
    "i64": (pa.int64(), [-(2**63), 2**63 - 1, None, 0, 1]),
    "u8": (pa.uint8(), [255, 1, None, 0, 1]),
    "u16": (pa.uint16(), [65535, 1, None, 0, 1]),
    "u32": (pa.uint32(), [2**32 - 1, 1, None, 0, 1]),
    "u64": (pa.uint64(), [2**64 - 1, 1, None, 0, 1]),
    "yes": (pa.bool_(), [True, False, None, True, False]),
    "text": (pa.utf8(), ["plain", "", None, 'with, "quotes"', "Zürich €"]),
    "large": (pa.large_utf8(), ["a", None, "ccc", "", "日本"]),
    "word": (pa.dictionary(pa.int8(), pa.utf8()), ["red", "green", None, "red", "blue"]),
    "day": (pa.date32(), [t and t.date() for t in T]),
    "day64": (pa.date64(), [t and t.date() for t in T]),
    "at_s": (pa.timestamp("s"), T),
    "at_us": (pa.timestamp("us", tz="UTC"), [t and t.replace(tzinfo=UTC) for t in MICRO]),
    "none": (pa.null(), [None] * 5),
}


def text(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)


def batches():
    arrays = [pa.array(values, type) for type, values in COLUMNS.values()]
    whole = pa.record_batch(arrays, names=list(COLUMNS))
    return [whole, whole.slice(1, 3)]  # the second begins inside its buffers


first, second = batches()
for name, opener in (("arrow_golden.arrows", pa.ipc.new_stream), ("arrow_golden.arrow", pa.ipc.new_file)):
    with opener(str(HERE / name), first.schema) as writer:
        writer.write_batch(first)
        writer.write_batch(second)
with pa.ipc.new_stream(
    str(HERE / "arrow_compressed.arrows"),
    pa.schema([("x", pa.float64())]),
    options=pa.ipc.IpcWriteOptions(compression="zstd"),
) as writer:
    writer.write_batch(pa.record_batch([pa.array([1.0] * 500)], names=["x"]))
rows = list(zip(*[values for _, values in COLUMNS.values()]))
with open(HERE / "arrow_golden.csv", "w", newline="", encoding="utf-8") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(COLUMNS)
    for row in rows + rows[1:4]:
        out.writerow([text(value) for value in row])
