#!/usr/bin/env python3
"""Verifies a decision log: python3 verify_log.py FOLDER [--key HEX] [--known LINE].

Written from docs/log_format.md and docs/record_format.md only; shares no code with the program that wrote the log.
Needs only the standard library and verify_proof.py. Prints one line of JSON. Exits with 0 if the log is whole, 3 if it
is not, 1 if there is nothing to verify.
"""

import argparse
import fcntl
import functools
import json
import os
import pathlib
import struct
import sys

from verify_proof import Broken, H, checkpoint, checkpoint_of


class Tree:
    """Peaks of the Merkle tree, as (size, hash)."""

    def __init__(self):
        self.peaks = []

    def add(self, digest):
        self.peaks.append((1, H(b"\0", digest)))
        while len(self.peaks) > 1 and self.peaks[-2][0] == self.peaks[-1][0]:
            (n, left), (_, right) = self.peaks[-2:]
            self.peaks[-2:] = [(2 * n, H(b"\1", left, right))]

    def root(self):
        hashes = [digest for _, digest in reversed(self.peaks)]
        return functools.reduce(lambda right, left: H(b"\1", left, right), hashes) if hashes else H()


def has_writer(folder):
    """Whether another process holds the folder's lock."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def first_key(folder, trusted, data):
    """The key of the first line: the trusted one, or the folder's, which may have handed over to it."""
    try:
        checkpoint(data[: data.find(b"\n") + 1], trusted)
        return trusted
    except Broken:
        path = folder / "signing.pub"
        return bytes.fromhex(path.read_text()) if path.exists() else trusted


def read_checkpoints(data, key, trusted):
    """The lines and the keys that signed them. `key` signs the first; `trusted` must be one of the keys."""
    found, offset, previous, keys = [], 0, bytes(32), [key]
    for line in data.splitlines(keepends=True):
        found.append(checkpoint(line, keys[-1], offset))
        if found[-1]["next_key"]:
            keys.append(found[-1]["next_key"])
        if found[-1]["previous"] != previous:
            raise Broken("checkpoints", offset, None, "a line before this one was changed, moved or deleted")
        if len(found) == 1 and found[0]["size"] > 0:
            raise Broken("checkpoints", 0, None, "the first line is not that of the empty log")
        previous = H(line)
        hands_over = any(line["next_key"] for line in found[-2:])
        if len(found) > 1 and found[-1]["size"] - found[-2]["size"] < (0 if hands_over else 1):
            raise Broken("checkpoints", offset, None, "not more entries than in the checkpoint before")
        offset += len(line)
    if not found:
        raise Broken("checkpoints", 0, None, "the log has no checkpoints")
    if trusted not in keys:
        raise Broken("checkpoints", 0, None, "the given key is none of the log's keys")
    return found, keys


class Log:
    def __init__(self, checkpoints):
        self.log, self.chain, self.n, self.tree = None, None, 0, Tree()
        self.checkpoints = sorted(checkpoints, key=lambda c: c["size"])
        self.first, self.told, self.covered = (
            0,
            None,
            0,
        )  # first entry present, the retention entry that covers those before it, number of entries checkpointed
        self.kinds = dict.fromkeys(KINDS, 0)
        self.decisions = {}  # that unencrypted reviews may name: index to hash

    def compare(self, file, offset):
        while self.checkpoints and self.checkpoints[0]["size"] <= self.n:
            c = self.checkpoints.pop(0)
            if c["log"] != self.log:
                raise Broken(file, offset, self.n, "a checkpoint belongs to another log")
            if c["size"] < self.first:
                continue
            self.covered = c["size"]
            if (c["size"], c["root"], c["chain"]) != (self.n, self.tree.root(), self.chain):
                raise Broken(file, offset, self.n, "a checkpoint does not match the entries")

    def start(self, data, broken):
        """Retention deleted the entries before: takes chain and peaks from the header."""
        self.first = self.n = int.from_bytes(data[32:40], "little")
        sizes = [1 << bit for bit in reversed(range(64)) if self.n >> bit & 1]
        if not sizes or len(data) < 72 + 32 * len(sizes):
            broken("not a segment")
        self.log, self.chain = data[16:32], data[40:72]
        self.tree.peaks = [(size, data[72 + 32 * i : 104 + 32 * i]) for i, size in enumerate(sizes)]

    def segment(self, path, number):
        data = path.read_bytes()

        def broken(why, at=0):
            raise Broken(path.name, at, self.n, why)

        if self.log is None and number > 0:
            self.start(data, broken)
        size = 72 + 32 * (bin(self.n).count("1") + 1)
        if len(data) < size or data[:8] != b"SLUICLOG" or struct.unpack_from("<I", data, 8)[0] != 2:
            broken("not a segment")
        if self.log is None:
            self.log, self.chain = data[16:32], H(data[16:32])
        wanted = data[:12] + struct.pack("<I", number) + self.log + struct.pack("<Q", self.n) + self.chain
        wanted += b"".join(peak for _, peak in self.tree.peaks)
        if data[:size] != wanted + H(wanted):
            broken("the header does not follow from the entries before it")
        self.compare(path.name, size)
        at = marked = size
        while at < len(data):
            if len(data) - at < 64:
                broken("the entry is incomplete", at)
            length, kind, flags, zero, index = struct.unpack_from("<IBBHQ", data, at)
            if length < 64 or length > 16 << 20 or length > len(data) - at:
                broken("the entry is incomplete", at)
            digest = H(data[at : at + length - 32])
            chain = H(self.chain, digest)
            if chain != data[at + length - 32 : at + length] or index != self.n:
                broken("the chain is broken", at)
            if kind == 7:  # a mark of the entry before it: part of the chain only
                if length != 96 or at == marked or data[at + 5 : at + 32] != mark_header(index):
                    broken("not a mark", at)
                self.chain, at = chain, at + length
                marked = at
                self.compare(path.name, at)
                continue
            if kind not in KINDS or zero:
                broken("an entry of unknown kind", at)
            if kind == 1:
                self.decisions[index] = digest
            name, check = KINDS[kind]
            if check and (kind >= 5 or not flags & 1):  # retentions and adoptions are never encrypted
                try:
                    check(data[at + 32 : at + length - 32], self)
                except (struct.error, ValueError, IndexError) as e:
                    broken(f"not a {name}: {e}", at)
            self.kinds[kind] += 1
            self.chain, self.n = chain, self.n + 1
            self.tree.add(digest)
            at += length
            if data[at + 4 : at + 5] != b"\7":  # otherwise the chain goes on before a checkpoint can be compared
                self.compare(path.name, at)


def mark_header(index):
    return struct.pack("<BHQqQ", 0, 0, index, 0, 0)


def take_texts(data, at, count=3):
    """`count` texts, each after its length, and the offset of their end."""
    texts = []
    for _ in range(count):
        n = struct.unpack_from("<H", data, at)[0]
        texts.append(data[at + 2 : at + 2 + n].decode())
        at += 2 + n
    return texts, at


def check_record(data, _log):
    """Checks that the lengths of the record's parts and of its head are consistent."""
    version, *sizes = struct.unpack_from("<4I", data)
    _, at = take_texts(data, 16 + 64)
    at += 1 + data[at] * (32 + 2 + 4 + 4 + 8)
    if version != 1 or at != 16 + sizes[0] or 16 + sum(sizes) + 12 != len(data):
        raise ValueError("wrong lengths")


def check_review(data, log):
    version, decision = struct.unpack_from("<IQ", data)
    texts, end = take_texts(data, 53)
    if version != 1 or data[44] not in (1, 2, 3) or end != len(data) or not texts[0] or not texts[1]:
        raise ValueError("wrong fields")
    if decision >= log.first and log.decisions.get(decision) != data[12:44]:
        raise ValueError(f"entry {decision} is not a decision with the hash that it gives")


def check_retention(data, log):
    version, first, kept, _ = struct.unpack_from("<IQQq", data)
    texts, end = take_texts(data, 28, 1)
    if version != 1 or first >= kept or end != len(data) or not texts[0]:
        raise ValueError("wrong fields")
    if kept >= log.first and log.told is None:
        log.told = log.n


def check_adoption(data, log):
    version, first, end = struct.unpack_from("<IQQ", data)
    texts, at = take_texts(data, 52, 2)
    if version != 1 or first >= end or end > log.n or at != len(data) or not all(texts):
        raise ValueError("wrong fields")


KINDS = {
    1: ("decision", check_record),
    2: ("erasure", None),
    3: ("recovery", None),
    4: ("review", check_review),
    5: ("retention", check_retention),
    6: ("adoption", check_adoption),
}


def verify(folder, key, known):
    written = has_writer(folder)
    path = folder / "checkpoints"
    data = path.read_bytes() if path.exists() else b""
    checkpoints, keys = read_checkpoints(data, first_key(folder, key, data), key)
    n_checkpoints, covered = len(checkpoints), checkpoints[-1]["size"]
    known = checkpoint_of(known, keys) if known else None
    log = Log(checkpoints + ([known] if known else []))
    paths = sorted(folder.glob("[0-9]" * 8 + ".log"))
    for number, path in enumerate(paths, int(paths[0].name[:8]) if paths else 0):
        if int(path.name[:8]) != number:
            raise Broken(path.name, 0, log.n, "the segment before this one is missing")
        log.segment(path, number)
    if log.first > 0 and (log.told is None or log.told >= log.covered):
        raise Broken(
            paths[0].name, 0, 0, "leading segments are missing, and no checkpoint covers a retention entry for them"
        )
    if known and known["size"] < log.first:
        raise Broken("the known checkpoint", 0, None, "retention deleted its entries")
    if log.n > log.covered and not written:
        raise Broken(paths[-1].name, 0, log.covered, "no checkpoint covers the last entries, and no writer is at work")
    if log.checkpoints:
        raise Broken("checkpoints", 0, log.n, f"the log ends before a checkpoint of {log.checkpoints[-1]['size']}")
    return {
        "whole": True,
        "entries": log.n,
        "covered": covered,
        "checkpoints": n_checkpoints,
        "root": log.tree.root().hex(),
        "chain": log.chain.hex(),
        "decisions": log.kinds[1],
        "erasures": log.kinds[2],
        "recoveries": log.kinds[3],
        "reviews": log.kinds[4],
        "retentions": log.kinds[5],
        "adoptions": log.kinds[6],
        "first": log.first,
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--key", help="public key in hexadecimal; default: signing.pub in the folder")
    arguments.add_argument("--known", help="checkpoint line that was kept elsewhere")
    asked = arguments.parse_args()
    try:
        key = bytes.fromhex(asked.key or (asked.folder / "signing.pub").read_text())
        found = verify(asked.folder, key, asked.known.strip().encode() + b"\n" if asked.known else None)
    except Broken as e:
        found = {"whole": False, **e.fault}
    except (OSError, TypeError, ValueError, KeyError) as e:
        sys.exit(f"verify_log: {e}")
    print(json.dumps(found))
    sys.exit(0 if found["whole"] else 3)


if __name__ == "__main__":
    main()
