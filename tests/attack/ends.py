#!/usr/bin/env python3
"""Kills a program, starves it, and gives it files that are none: it must end by itself and leave nothing half done.

Usage: ends.py SLUICE BUNDLE DATA ID_COLUMN [TRIES]

  kills    SIGKILL at random moments of `score --audit`; the next writer must open the log, which must then verify
  limits   little memory, few descriptors, small files, a small stack
  files    pipes, devices, sockets, folders, links and loops in place of every input, and hostile lists
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from attack import Program, Tally, check_ended

MIB = 1 << 20


def kills(program: Program, score: list[str], tally: Tally, tries: int) -> None:
    started = time.monotonic()
    whole = program.run(*score, "--out", "whole.csv", "--audit", "timed")
    seconds = time.monotonic() - started
    if whole.exit_code != 0:
        raise SystemExit(whole.err)
    expected = (program.folder / "whole.csv").read_bytes()
    draw = random.Random(1)
    for n in range(tries):
        out, log = program.folder / f"killed-{n}.csv", program.folder / "killed"
        words = [program.path, *score, "--out", str(out), "--audit", str(log)]
        with subprocess.Popen(words, cwd=program.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
            time.sleep(draw.uniform(0, seconds))
            child.send_signal(signal.SIGKILL)
        again = program.run(*score, "--out", "again.csv", "--audit", str(log))
        verified = program.run("audit", "verify", str(log))
        if out.exists() and out.read_bytes() != expected:
            tally.wrong("kills", f"kill {n}: an incomplete output has its final name")
        elif again.exit_code != 0 or verified.exit_code != 0:
            tally.wrong("kills", f"kill {n}: next {again.exit_code}, verify {verified.exit_code}: {again.err}")
        else:
            tally.add("kills", "unharmed")
        out.unlink(missing_ok=True)
        if n % 10 == 9:
            shutil.rmtree(log)


def limits(program: Program, score: list[str], tally: Tally) -> None:
    program.run(*score, "--out", "free.csv")
    expected = (program.folder / "free.csv").read_bytes()
    tried = [
        *({resource.RLIMIT_AS: n * MIB} for n in (20, 40, 60, 80, 100, 120, 150, 200, 300, 500)),
        *({resource.RLIMIT_NOFILE: n} for n in range(4, 16)),
        *({resource.RLIMIT_FSIZE: n} for n in (0, 1, 100, 4096, 20_000)),
        *({resource.RLIMIT_STACK: n * 1024} for n in (1024, 2048)),
    ]
    for limit in tried:
        for threads in ("1", "64"):
            # A log waits a minute for a disk that takes nothing.
            with_log = resource.RLIMIT_FSIZE not in limit or (limit[resource.RLIMIT_FSIZE], threads) == (4096, "1")
            for audit in ([], ["--audit", "limited"])[: 1 + with_log]:
                out = program.folder / "limited.csv"
                out.unlink(missing_ok=True)
                outcome = program.run(*score, "--threads", threads, "--out", "limited.csv", *audit, limits=limit)
                is_loader = outcome.exit_code == 127 or "error while loading shared libraries" in outcome.err
                if is_loader or (
                    outcome.exit_code == -signal.SIGSEGV and not outcome.err and resource.RLIMIT_AS in limit
                ):
                    tally.add("limits", "not started by the system")
                    continue
                what = f"{limit}, {threads} threads {audit}"
                check_ended(tally, "limits", what, outcome, lambda out=out: out.read_bytes() == expected)
                if out.exists() and out.read_bytes() != expected:
                    tally.wrong("limits", f"{what}: an incomplete output has its final name")
    if program.run(*score, "--out", "free.csv", "--audit", "limited").exit_code != 0:
        tally.wrong("limits", "the log does not open afterwards")
    elif program.run("audit", "verify", "limited").exit_code != 0:
        tally.wrong("limits", "the log does not verify afterwards")


def odd_files(folder: Path) -> dict[str, Path]:
    odd = folder / "odd"
    odd.mkdir()
    os.mkfifo(odd / "pipe")
    (odd / "folder").mkdir()
    (odd / "loop").symlink_to("loop")
    (odd / "dangling").symlink_to("nothing")
    (odd / "empty").write_bytes(b"")
    (odd / "zeros").write_bytes(bytes(70_000))
    (odd / "noise").write_bytes(random.Random(2).randbytes(70_000))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(odd / "socket"))
    names = {path.name: path for path in odd.iterdir()}
    return names | {name: Path("/dev") / name for name in ("zero", "full", "null", "urandom")}


def files(program: Program, bundle: Path, id_column: str, tally: Tally) -> None:
    positions = {
        "model": ["forest", "inspect", "ODD"],
        "model of a prediction": ["forest", "predict", "ODD", "--data", "data.csv", "--out", "x.csv"],
        "rules": ["rules", "check", "ODD", "--schema", "bundle/schema.json"],
        "schema": ["rules", "check", "rules.json", "--schema", "ODD"],
        "policy": ["policy", "check", "ODD"],
        "plan": ["experiment", "check", "ODD"],
        "record": ["explain", "--bundle", "bundle", "--record", "ODD", "--out", "x.html"],
        "log": ["audit", "verify", "ODD"],
        "known": ["audit", "verify", "log", "--known", "ODD"],
        "key": [
            "score",
            "--bundle",
            "bundle",
            "--data",
            "data.csv",
            "--out",
            "x.csv",
            "--audit",
            "l",
            "--audit-key",
            "ODD",
        ],
        "bundle": ["bundle", "verify", "ODD"],
    }
    odd = odd_files(program.folder)
    program.run("score", "--bundle", "bundle", "--data", "data.csv", "--out", "x.csv", "--audit", "log", "--quiet")
    for position, command in positions.items():
        for name, path in odd.items():
            outcome = program.run(*(word.replace("ODD", str(path)) for word in command), max_seconds=20)
            check_ended(tally, "files that are none", f"{position}: {name}", outcome, lambda: False)
    for original in sorted(p.relative_to(bundle) for p in bundle.rglob("*") if p.is_file()):
        for name, path in odd.items():
            copy = program.folder / "copy"
            shutil.copytree(bundle, copy)
            (copy / original).unlink()
            if path.is_dir():
                (copy / original).mkdir()
            else:
                (copy / original).symlink_to(path)
            for command in (["bundle", "verify", "copy"], ["bundle", "inspect", "copy"]):
                outcome = program.run(*command, max_seconds=20)
                check_ended(tally, "odd files in a bundle", f"{original}: {name}", outcome, lambda: False)
            shutil.rmtree(copy)


def lists(program: Program, tally: Tally) -> None:
    """Lists that a rule names: each is refused, or read as written."""
    contents = {
        "NUL": b"one\0two\n",
        "latin-1": b"caf\xe9\n",
        "half a character": b"one\n\xe2\x82",
        "one long line": b"x" * (16 * MIB),
        "a million lines": b"".join(b"%d\n" % n for n in range(1_000_000)),
        "carriage returns": b"one\rtwo\rthree",
        "byte-order mark": b"\xef\xbb\xbfone\ntwo\n",
        "blank lines": b"\n" * 100_000,
        "the same line": b"same\n" * 100_000,
    }
    for name, content in contents.items():
        (program.folder / "blocked.txt").write_bytes(content)
        outcome = program.run("rules", "check", "rules.json", "--schema", "bundle/schema.json")
        check_ended(tally, "hostile lists", name, outcome, lambda: True)


def main(arguments: list[str]) -> int:
    if len(arguments) not in (5, 6):
        print(__doc__, file=sys.stderr)
        return 2
    path, bundle, data, id_column = arguments[1:5]
    tries = int(arguments[5]) if len(arguments) == 6 else 200
    tally = Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = Program(path, folder)
        shutil.copytree(bundle, folder / "bundle")
        shutil.copy(data, folder / "data.csv")
        (folder / "rules.json").write_text(
            '{"ruleset": "r", "version": 1, "hit_policy": "first",'
            ' "lists": {"blocked": {"of": "COLUMN", "file": "blocked.txt"}},'
            ' "rules": [{"id": "B", "when": "COLUMN in blocked", "on_missing": "SKIP",'
            ' "then": {"action": "DECLINE", "reason": "blocked"}}]}'.replace("COLUMN", id_column)
        )
        score = ["score", "--bundle", "bundle", "--data", "data.csv", "--id", id_column, "--quiet"]
        kills(program, score, tally, tries)
        limits(program, score, tally)
        files(program, folder / "bundle", id_column, tally)
        lists(program, tally)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
