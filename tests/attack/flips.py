#!/usr/bin/env python3
"""Flips bits of every file of a log and of a bundle, and cuts, swaps and mixes the files of two logs.

Usage: flips.py SLUICE BUNDLE DATA ID_COLUMN [MAX_FLIPS_PER_FILE]

A change of a segment, a checkpoint or a public key must be found by `audit verify`; one of a bundle by `bundle verify`,
and `score` must refuse it. A change of a file that proves nothing (index, keys) must not change an answer: the answer is
the right one, or an error.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attack import Program, Tally, spread

PROVES_NOTHING = {"index.db", "keys.db", "subjects.key", "signing.key"}


@contextmanager
def changed(path: Path, content: bytes) -> Iterator[None]:
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


def flipped(data: bytes, bit: int) -> bytes:
    at = bit // 8
    return data[:at] + bytes([data[at] ^ 1 << bit % 8]) + data[at + 1 :]


def flip_log(program: Program, log: Path, tally: Tally, most: int) -> None:
    show = ("audit", "show", str(log), "--id", ID)
    right = program.run(*show).out
    for path in sorted(log.iterdir()):
        data = path.read_bytes()
        for bit in spread(8 * len(data), most):
            with changed(path, flipped(data, bit - 1)):
                attack = "bits of a log's files that prove nothing" if path.name in PROVES_NOTHING else "bits of a log"
                if path.name in PROVES_NOTHING:
                    outcome = program.run(*show)
                    if not outcome.is_sound or (outcome.exit_code == 0 and outcome.out != right):
                        tally.wrong(attack, f"{path.name}, bit {bit}: exit {outcome.exit_code}, {outcome.out[:80]}")
                    else:
                        tally.add(attack, "unharmed" if outcome.exit_code == 0 else "refused")
                    continue
                outcome = program.run("audit", "verify", str(log))
                if outcome.exit_code in (1, 3) and outcome.is_sound:
                    tally.add(attack, "found")
                else:
                    tally.wrong(attack, f"{path.name}, bit {bit}: exit {outcome.exit_code}")


def flip_bundle(program: Program, bundle: Path, tally: Tally, most: int) -> None:
    for path in sorted(p for p in bundle.rglob("*") if p.is_file()):
        data = path.read_bytes()
        for bit in spread(8 * len(data), most):
            with changed(path, flipped(data, bit - 1)):
                verified = program.run("bundle", "verify", str(bundle))
                words = ("score", "--bundle", str(bundle), "--data", "data.csv", "--out", "x.csv", "--quiet")
                scored = program.run(*words)
                if verified.exit_code in (1, 3) and verified.is_sound and scored.exit_code == 1 and scored.is_sound:
                    tally.add("bits of a bundle", "found")
                else:
                    what = f"{path.name}, bit {bit}: verify {verified.exit_code}, score {scored.exit_code}"
                    tally.wrong("bits of a bundle", what)


def cut(path: Path, n: int) -> None:
    path.write_bytes(path.read_bytes()[:-n])


def swap(a: Path, b: Path) -> None:
    first, second = a.read_bytes(), b.read_bytes()
    a.write_bytes(second)
    b.write_bytes(first)


def drop_last_entries(log: Path) -> None:
    """Removes segments from the end, down to one that has entries: one that has only begun says nothing."""
    while segments(log)[-1].stat().st_size < 1000:
        segments(log)[-1].unlink()
    segments(log)[-1].unlink()


def surgeries(other: Path) -> dict[str, Callable[[Path], object]]:
    return {
        "a segment of another log": lambda log: shutil.copy(other / "00000001.log", log / "00000001.log"),
        "the last segment of another log": lambda log: shutil.copy(segments(other)[-1], segments(log)[-1]),
        "the checkpoints of another log": lambda log: shutil.copy(other / "checkpoints", log / "checkpoints"),
        "the key of another log": lambda log: shutil.copy(other / "signing.pub", log / "signing.pub"),
        "two segments change places": lambda log: swap(log / "00000000.log", log / "00000001.log"),
        "a segment twice": lambda log: shutil.copy(log / "00000000.log", log / "00000001.log"),
        "no first segment": lambda log: (log / "00000000.log").unlink(),
        "no middle segment": lambda log: (log / "00000001.log").unlink(),
        "no last segment": drop_last_entries,
        "no checkpoints": lambda log: (log / "checkpoints").unlink(),
        "empty checkpoints": lambda log: (log / "checkpoints").write_bytes(b""),
        "an empty segment": lambda log: (log / "00000001.log").write_bytes(b""),
        "a segment cut short": lambda log: cut(log / "00000001.log", 1),
        "the last segment cut short": lambda log: cut(segments(log)[-1], 100),
        "bytes after the last entry": lambda log: segments(log)[-1].open("ab").write(b"\0" * 500),
        "a segment too many": lambda log: shutil.copy(segments(log)[-1], log / "00000099.log"),
    }


def segments(log: Path) -> list[Path]:
    return sorted(log.glob("[0-9]*.log"))


def main(arguments: list[str]) -> int:
    if len(arguments) not in (5, 6):
        print(__doc__, file=sys.stderr)
        return 2
    path, bundle, data, id_column = arguments[1:5]
    most = int(arguments[5]) if len(arguments) == 6 else 1000
    tally = Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = Program(path, folder)
        shutil.copytree(bundle, folder / "bundle")
        lines = Path(data).read_text().splitlines(keepends=True)[:101]
        (folder / "data.csv").write_text("".join(lines))
        score = ["score", "--bundle", "bundle", "--data", "data.csv", "--id", id_column, "--quiet", "--out", "x.csv"]
        for log in ("log", "other"):
            for _ in range(3):
                program.run(*score, "--audit", log, "--segment-bytes", "40000")
        global ID
        ID = (folder / "x.csv").read_text().splitlines()[3].split(",")[1]
        program.run("audit", "show", "log", "--fast", "--id", ID)  # makes the index
        flip_log(program, folder / "log", tally, most)
        for what, operate in surgeries(folder / "other").items():
            copy = folder / "copy"
            shutil.copytree(folder / "log", copy)
            operate(copy)
            outcome = program.run("audit", "verify", str(copy))
            if outcome.exit_code in (1, 3) and outcome.is_sound:
                tally.add("surgery on a log", "found")
            else:
                tally.wrong("surgery on a log", f"{what}: exit {outcome.exit_code}")
            shutil.rmtree(copy)
        flip_bundle(program, folder / "bundle", tally, most)
    return tally.finish()


ID = ""

if __name__ == "__main__":
    sys.exit(main(sys.argv))
