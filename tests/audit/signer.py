#!/usr/bin/env python3
"""Signs with Ed25519 (RFC 8032, section 5.1.6): signer.py SEED_HEX public-key|sign. A key service as a test sees one."""

import hashlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "audit" / "verify"))
from verify_proof import BASE, L, P, times  # noqa: E402


def compress(point):
    x, y, z, _ = point
    inverse = pow(z, P - 2, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def main():
    digest = hashlib.sha512(bytes.fromhex(sys.argv[1])).digest()
    secret = int.from_bytes(digest[:32], "little") & ~7 & ~(1 << 255) | 1 << 254
    public = compress(times(secret, BASE))
    if sys.argv[2] == "public-key":
        print(public.hex())
        return
    message = sys.stdin.buffer.read()
    r = number(digest[32:], message) % L
    point = compress(times(r, BASE))
    s = (r + number(point, public, message) * secret) % L
    print((point + s.to_bytes(32, "little")).hex())


if __name__ == "__main__":
    main()
