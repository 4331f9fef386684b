#!/usr/bin/env python3
"""Writes corpus/dnn: small networks of the columns that check_network.h names. Usage: make_dnn_corpus.py FOLDER"""

import json
import random
import struct
import sys

ENCODER = {
    "numbers": [
        {"column": "x", "missing_flag": True, "values": [-1.5, 0.25, 2.0], "scores": [-1.0, 0.0, 1.0]},
        {"column": "y", "missing_flag": False, "values": [0.0, 10.0], "scores": [-0.5, 0.5]},
    ],
    "categories": [{"column": "word"}],
    "forest": [{"mean": 0.125, "deviation": 1.5}] * 4,
}
N_DENSE = 2 + 1 + 4
N_CODES = 3 + 2


def member(hidden, paths=1, numeric=0, dimension=2):
    bins = [1 + i % 3 for i in range(N_DENSE)] if numeric else []
    return {"hidden": hidden, "paths": paths, "numeric_dimension": numeric, "bins": bins, "dimensions": [dimension]}


def tensors_of(members):
    rng = random.Random(7)
    tensors = {}

    def put(name, *shape):
        n = 1
        for d in shape:
            n *= d
        tensors[name] = (list(shape), [rng.uniform(-1, 1) for _ in range(n)])

    for k, m in enumerate(members):
        at = f"member.{k}."
        width = N_DENSE * max(1, m["numeric_dimension"]) + m["dimensions"][0]
        if m["bins"]:
            n = sum(m["bins"])
            tensors[at + "numeric.edges"] = ([n], [b / 2 for size in m["bins"] for b in range(size)])
            put(at + "numeric.at", n, m["numeric_dimension"])
            put(at + "numeric.slope", n, m["numeric_dimension"])
        put(at + "embedding.0", N_CODES, m["dimensions"][0])
        if m["paths"] > 1:
            put(at + "scale", m["paths"], width)
        for layer, out in enumerate(m["hidden"]):
            put(f"{at}layer.{layer}.weight", out, width)
            put(f"{at}layer.{layer}.bias", out)
            width = out
        put(at + "head.weight", m["paths"], width)
        for name in ("head.bias", "a", "b"):
            put(at + name, m["paths"])
    return tensors


def safetensors(tensors):
    header, data = {}, b""
    for name, (shape, values) in sorted(tensors.items()):
        begin = len(data)
        data += struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def document(members, tensors=None, imported=False):
    parity = {
        "format": 1,
        "device": "cpu",
        "kernel": "scalar",
        "tolerance": 0,
        "margins": [0.5],
        "rows": [[0.5] * N_DENSE + [4, -1.25]],
    }
    network = {"kind": "residual", "format": 2, "members": members, "encoder": ENCODER}
    if imported:
        network = {"kind": "imported", "format": 2, "runtime": "torchscript", "file": "network.pt", "encoder": ENCODER}
    weights = safetensors(tensors if tensors is not None else tensors_of(members))
    return json.dumps(parity).encode() + b"\0" + json.dumps(network).encode() + b"\0" + weights


linear, deep, paths = [member([])], [member([3, 2])], [member([4], paths=3, numeric=2), member([2])]
seeds = {
    "imported": document(linear, imported=True),
    "linear": document(linear),
    "deep": document(deep),
    "paths": document(paths),
}
claim = tensors_of(linear)
claim["member.0.head.weight"] = ([1 << 20, 1 << 20], [0.0])
seeds["claims_2_to_the_40"] = document(linear, claim)
ENCODER |= {
    "forest": ENCODER["forest"] + [{"mean": -2.5, "deviation": 0.5}] * 2,
    "facts": ["leaf_support", "disagreement"],
}
N_DENSE += 2
seeds["facts"] = document(linear)
for name, content in seeds.items():
    with open(f"{sys.argv[1]}/{name}", "wb") as file:
        file.write(content)
