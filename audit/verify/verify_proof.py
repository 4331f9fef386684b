#!/usr/bin/env python3
"""Checks a proof from a decision log, made by `sluice audit prove`: python3 verify_proof.py FILE --key HEX.

Written from docs/log_format.md only; shares no code with the program that wrote the log. Needs only the standard
library, neither the log nor its keys. Prints one line of JSON. Exits with 0 if the proof holds, 3 if it does not, 1 if
there is nothing to check.
"""

import argparse
import hashlib
import json
import pathlib
import re
import sys


def H(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# Ed25519, RFC 8032, section 6: only verification.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, p):
    q = (0, 1, 1, 0)
    while n:
        if n & 1:
            q = add(q, p)
        p, n = add(p, p), n >> 1
    return q


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(key, message, signature):
    a, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    p, q = times(s, BASE), add(r, times(h, a))
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


class Broken(Exception):
    def __init__(self, file, offset, index, why):
        self.fault = {"file": file, "offset": offset, "index": index, "why": why}


LINE = re.compile(
    rb"(sluice-checkpoint-v2 ([0-9a-f]{32}) (0|[1-9][0-9]*) ([0-9a-f]{64}) ([0-9a-f]{64}) (0|-?[1-9][0-9]*) ([0-9a-f]{64})(?: ([0-9a-f]{64}))?) ([0-9a-f]{128})\n"
)


def checkpoint(line, key, offset=0):
    match = LINE.fullmatch(line)
    if not match:
        raise Broken("checkpoints", offset, None, "not a checkpoint")
    if not signed(key, match[1], bytes.fromhex(match[9].decode())):
        raise Broken("checkpoints", offset, None, "not signed by this key")
    return {
        "log": bytes.fromhex(match[2].decode()),
        "size": int(match[3]),
        "root": bytes.fromhex(match[4].decode()),
        "chain": bytes.fromhex(match[5].decode()),
        "previous": bytes.fromhex(match[7].decode()),
        "next_key": bytes.fromhex(match[8].decode()) if match[8] else None,
    }


def fold(index, size, proof, start, consistent):
    """RFC 9162, 2.1.3.2 and 2.1.4.2: (old root, root) above `start`; the old root only for a consistency proof."""
    at, last, old, new = index, size - 1, start, start
    for sibling in proof:
        if last == 0:
            return None, None
        if at & 1 or at == last:
            old, new = H(b"\1", sibling, old), H(b"\1", sibling, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = H(b"\1", new, sibling)
            old = old if consistent else new
        at, last = at >> 1, last >> 1
    return (old, new) if last == 0 else (None, None)


def checkpoint_of(line, keys):
    """A line that one of the keys signed."""
    for key in keys[:-1]:
        try:
            return checkpoint(line, key)
        except Broken:
            pass
    return checkpoint(line, keys[-1])


def keys_after(key, handovers):
    """The key, and those that it hands over to, directly or through others."""
    keys = [key]
    for line in handovers:
        try:
            following = checkpoint_of(line.encode(), keys)["next_key"]
        except Broken:  # of a key before the trusted one
            continue
        keys += [following] if following else []
    return keys


def verify_proof(proof, key):
    path = [bytes.fromhex(p) for p in proof["proof"]]
    keys = keys_after(key, proof["handovers"])
    new = checkpoint_of(proof["checkpoint"].encode(), keys)
    if proof["kind"] == "inclusion":
        leaf = H(b"\0", H(bytes.fromhex(proof["entry"])))
        return proof["index"] < new["size"] and fold(proof["index"], new["size"], path, leaf, False)[1] == new["root"]
    old = checkpoint_of(proof["old_checkpoint"].encode(), keys)
    m, n = old["size"], new["size"]
    if old["log"] != new["log"] or not 0 < m <= n:
        return False
    if m == n:
        return not path and old["root"] == new["root"]
    at, last = m - 1, n - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    start = old["root"] if m & (m - 1) == 0 else path.pop(0) if path else b""
    return fold(at, last + 1, path, start, True) == (old["root"], new["root"])


def read_proof(path, key):
    try:
        return {"whole": verify_proof(json.loads(path.read_text()), key)}
    except Broken as e:
        return {"whole": False, **e.fault}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("proof", type=pathlib.Path)
    arguments.add_argument("--key", required=True, help="public key in hexadecimal")
    asked = arguments.parse_args()
    try:
        found = read_proof(asked.proof, bytes.fromhex(asked.key))
    except (OSError, TypeError, ValueError, KeyError) as e:
        sys.exit(f"verify_proof: {e}")
    print(json.dumps(found))
    sys.exit(0 if found["whole"] else 3)


if __name__ == "__main__":
    main()
