#!/usr/bin/env python3
"""Forges a decision log without its signing key, and checks that every forgery is found and none is signed.

Usage: log_forgery.py SLUICE BUNDLE DATA ID_COLUMN

Written from docs/log_format.md alone. SLUICE is the program, BUNDLE a bundle, DATA a table for it. Each forgery is made
on a copy of a sound log, whose key is elsewhere. A forgery passes if `audit verify` accepts it, or accepts what the next
writer has made of it while a forged entry is still there. One that only takes a log back to an earlier state must be
found by a head that was kept elsewhere (`audit anchor`). Prints one line per forgery and exits with 1 if one passes.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FIXED_HEADER = 72
HASH = 32
MARK = 7  # the kind of a mark, which is no entry


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


@dataclass
class Segment:
    """A segment's header and its entries without their chain hashes."""

    path: Path
    header: bytes
    entries: list[bytes]

    @property
    def own_entries(self) -> list[int]:
        """The positions of the entries that are not marks."""
        return [at for at, entry in enumerate(self.entries) if entry[4] != MARK]

    @classmethod
    def read(cls, path: Path) -> Segment:
        data = path.read_bytes()
        first = struct.unpack_from("<Q", data, 32)[0]
        at = FIXED_HEADER + HASH * (first.bit_count() + 1)
        header, entries = data[:at], []
        while at < len(data):
            length = struct.unpack_from("<I", data, at)[0]
            entries.append(data[at : at + length - HASH])
            at += length
        return cls(path, header, entries)

    def write(self) -> None:
        """Writes the entries with a chain that fits them: nothing secret is needed for it."""
        out, chain = [self.header], self.header[40:72]
        for entry in self.entries:
            chain = sha256(chain, sha256(entry))
            out += [entry, chain]
        self.path.write_bytes(b"".join(out))


def altered(entry: bytes) -> bytes:
    """The entry with one bit of its payload changed."""
    at = len(entry) - 9
    return entry[:at] + bytes([entry[at] ^ 1]) + entry[at + 1 :]


def segment_of(log: Path) -> Segment:
    return Segment.read(sorted(log.glob("[0-9]*.log"))[-1])


def alter_entry(log: Path, index: int) -> None:
    segment = segment_of(log)
    at = segment.own_entries[index]
    segment.entries[at] = altered(segment.entries[at])
    segment.write()


def keep_lines(log: Path, keep: Callable[[list[str]], list[str]]) -> None:
    path = log / "checkpoints"
    path.write_text("".join(keep(path.read_text().splitlines(keepends=True))))


def forge_under_the_first_line(log: Path) -> None:
    keep_lines(log, lambda lines: lines[:1])
    alter_entry(log, 0)


def forge_under_all_lines(log: Path) -> None:
    alter_entry(log, 0)


def forge_the_tail(log: Path) -> None:
    keep_lines(log, lambda lines: lines[:2])
    alter_entry(log, -1)


def append_an_entry(log: Path, mark: bytes = b"") -> None:
    segment = segment_of(log)
    last = segment.entries[segment.own_entries[-1]]
    index = struct.unpack_from("<Q", last, 8)[0]
    segment.entries.append(altered(last[:8] + struct.pack("<Q", index + 1) + last[16:]))
    if mark:
        segment.entries.append(mark)
    segment.write()


def append_an_entry_with_an_old_mark(log: Path) -> None:
    append_an_entry(log, next((e for e in reversed(segment_of(log).entries) if e[4] == MARK), b""))


def append_an_entry_with_a_made_up_mark(log: Path) -> None:
    append_an_entry(log, struct.pack("<IB27x", 96, MARK) + bytes(32))


def cut_the_tail(log: Path) -> None:
    """Back to the second checkpoint: what is left was once the whole log."""
    keep_lines(log, lambda lines: lines[:2])
    segment = segment_of(log)
    size = int((log / "checkpoints").read_text().splitlines()[-1].split()[2])
    first = struct.unpack_from("<Q", segment.header, 32)[0]
    end = segment.own_entries[size - first - 1] + 1
    segment.entries = segment.entries[: end + (segment.entries[end][4] == MARK)]
    segment.write()


def drop_the_first_line(log: Path) -> None:
    keep_lines(log, lambda lines: lines[1:])


def drop_a_middle_line(log: Path) -> None:
    keep_lines(log, lambda lines: lines[:1] + lines[2:])


def drop_all_lines(log: Path) -> None:
    keep_lines(log, lambda lines: [])
    alter_entry(log, 0)


def remove_the_marks(log: Path) -> None:
    """Everything that is not a segment, the first line or a public key."""
    forge_under_the_first_line(log)
    for file in log.iterdir():
        if file.suffix != ".log" and file.name not in {"checkpoints", "signing.pub"}:
            file.unlink()


FORGERIES = (
    forge_under_the_first_line,
    forge_under_all_lines,
    forge_the_tail,
    append_an_entry,
    append_an_entry_with_an_old_mark,
    append_an_entry_with_a_made_up_mark,
    cut_the_tail,
    drop_the_first_line,
    drop_a_middle_line,
    drop_all_lines,
    remove_the_marks,
)


class Attack:
    def __init__(self, program: str, bundle: str, data: str, id_column: str, folder: Path):
        self.program, self.folder = program, folder
        self.key = folder / "signing.key"
        self.score = ["score", "--bundle", bundle, "--data", data, "--id", id_column, "--quiet"]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.program, *arguments], capture_output=True, text=True, cwd=self.folder, check=False)

    def write(self, log: Path) -> subprocess.CompletedProcess[str]:
        out = self.folder / "out.csv"
        key = ["--audit-key", str(self.key)] if self.key.exists() else []
        return self.run(*self.score, "--out", str(out), "--audit", str(log), *key)

    def make_log(self) -> Path:
        """A sound log of three runs, whose key was moved out of its folder."""
        log = self.folder / "sound"
        for _ in range(3):
            done = self.write(log)
            if done.returncode != 0:
                raise SystemExit(f"score failed: {done.stderr}")
            if (log / "signing.key").exists():
                shutil.move(log / "signing.key", self.key)
        if self.run("audit", "verify", str(log)).returncode != 0:
            raise SystemExit("the sound log does not verify")
        return log

    def verify(self, log: Path, known: Path | None = None) -> int:
        return self.run("audit", "verify", str(log), *(["--known", str(known)] if known else [])).returncode

    def passes(self, sound: Path, head: Path, forge: Callable[[Path], None]) -> tuple[bool, str]:
        """Whether the forged log is taken for genuine: by verify, or by verify after the next writer."""
        log = self.folder / forge.__name__
        shutil.copytree(sound, log)
        forge(log)
        genuine = entries_of(sound)
        forged = [entry for entry in entries_of(log) if entry not in genuine]
        verify = self.verify(log)
        known = self.verify(log, head)
        write = self.write(log)
        again = self.verify(log)
        stays = any(entry in forged for entry in entries_of(log))
        said = write.stderr.strip().splitlines()
        outcome = f"verify {verify}, with a kept head {known}; next write {write.returncode}, verify {again}"
        passed = verify == 0 or (again == 0 and stays) if forge is not cut_the_tail else known == 0
        return passed, f"{outcome}; {said[0] if said else ''}"


def entries_of(log: Path) -> set[bytes]:
    segments = [Segment.read(path) for path in log.glob("[0-9]*.log")]
    return {segment.entries[at] for segment in segments for at in segment.own_entries}


def main(arguments: list[str]) -> int:
    if len(arguments) != 5:
        print(__doc__, file=sys.stderr)
        return 2
    program, bundle, data, id_column = arguments[1:]
    n_passed = 0
    with tempfile.TemporaryDirectory() as name:
        attack = Attack(
            str(Path(program).resolve()), str(Path(bundle).resolve()), str(Path(data).resolve()), id_column, Path(name)
        )
        sound = attack.make_log()
        head = Path(name) / "head"
        head.write_text(attack.run("audit", "anchor", str(sound)).stdout)
        for forge in FORGERIES:
            passed, outcome = attack.passes(sound, head, forge)
            n_passed += passed
            print(f"{'PASSED' if passed else 'found':7}{forge.__name__:37}{outcome}")
        print(f"| forgeries of a log without its key | {len(FORGERIES)} | {len(FORGERIES) - n_passed} found |")
    return 1 if n_passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
