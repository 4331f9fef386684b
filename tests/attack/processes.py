#!/usr/bin/env python3
"""Signals, threads that the system does not start, and terminals: a program ends well and obeys nothing in its files.

Usage: processes.py SLUICE BUNDLE DATA ID_COLUMN [TRIES]

  signals    SIGINT, SIGTERM and SIGHUP end a read that waits, within a second here (100 ms where nothing else runs), and
             the message says what was written
  threads    each thread that a command starts is refused once
  terminals  no control character of a file reaches a terminal
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from attack import Program, Tally, build_preload, check_ended

MAX_SECONDS_TO_END = 1.0
PLAN = Path(__file__).resolve().parents[2] / "examples" / "experiments.json"


def signals(program: Program, rows: list[str], id_column: str, tally: Tally, tries: int) -> None:
    score = ["score", "--bundle", "bundle", "--id", id_column, "--quiet", "--out", "signalled.csv"]
    os.mkfifo(program.folder / "pipe")
    program.run(*score[:-1], "logged.csv", "--data", "data.csv", "--audit", "log")
    shutil.copy(PLAN, program.folder / "plan.json")
    waiting = {
        "an empty pipe": ([*score, "--data", "pipe"], b""),
        "an empty standard input": ([*score, "--data", "-"], b""),
        "empty labels": (
            ["labels", "join", "--audit", "log", "--bundle", "bundle", "--labels", "pipe", "--id", id_column]
            + ["--label", "fraud", "--out", "signalled.csv"],
            b"",
        ),
        "empty outcomes": (
            ["experiment", "report", "--audit", "log", "--plan", "plan.json", "--labels", "pipe"]
            + ["--id", id_column, "--label", "fraud"],
            b"",
        ),
        "half a table": ([*score, "--data", "-"], "".join(rows).encode()[:-20]),
        "half a table, with a log": ([*score, "--data", "-", "--audit", "signalled"], 40 * "".join(rows[1:]).encode()),
    }
    for n in range(tries):
        for name, (command, begin) in waiting.items():
            number = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[n % 3]
            if begin and not begin.startswith(rows[0].encode()):
                begin = rows[0].encode() + begin
            with subprocess.Popen(
                [program.path, *command], cwd=program.folder, stdin=subprocess.PIPE, stderr=subprocess.PIPE
            ) as child:
                assert child.stdin and child.stderr
                child.stdin.write(begin)
                child.stdin.flush()
                time.sleep(0.3)
                child.send_signal(number)
                started = time.monotonic()
                try:
                    child.wait(20)
                except subprocess.TimeoutExpired:
                    child.kill()
                    tally.wrong("signals", f"{name}, {number.name}: it goes on")
                    continue
                seconds = time.monotonic() - started
                said = child.stderr.read().decode()
            left = [p.name for p in program.folder.iterdir() if p.name.startswith("signalled.csv")]
            if child.returncode != 1 or "interrupted" not in said or seconds > MAX_SECONDS_TO_END or left:
                tally.wrong("signals", f"{name}, {number.name}: {child.returncode}, {seconds:.2f} s, {left}, {said}")
            elif "with a log" in name and "decisions of this run" not in said:
                tally.wrong("signals", f"{name}: it does not say what is in the log: {said}")
            else:
                tally.add("signals", "ended")


def threads(program: Program, id_column: str, tally: Tally) -> None:
    preload = build_preload(Path(__file__).with_name("thread_faults.c"), program.folder)
    score = ["score", "--bundle", "bundle", "--data", "data.csv", "--id", id_column, "--quiet", "--out", "t.csv"]
    commands = {
        "score": [*score, "--threads", "4"],
        "score with a log": [*score, "--threads", "2", "--audit", "threads"],
        "backtest": [
            "backtest",
            "--bundle",
            "bundle",
            "--data",
            "data.csv",
            "--label",
            "fraud",
            "--out",
            "t",
            "--quiet",
        ],
        "verify": ["audit", "verify", "threads"],
        "replay": ["replay", "--bundle", "bundle", "--audit", "threads"],
    }
    count = program.folder / "count"
    for name, command in commands.items():
        environment = {"LD_PRELOAD": str(preload), "FAULT_COUNT": str(count)}
        sound = program.run(*command, environment=environment)
        if sound.exit_code != 0:
            raise SystemExit(f"{name}: {sound.err}")
        for at in range(1, int(count.read_text()) + 1):
            outcome = program.run(*command, environment=environment | {"FAULT_AT": str(at)})
            what = f"{name}, thread {at}"
            check_ended(tally, "threads that do not start", what, outcome, lambda now=outcome: now.out == sound.out)
            if outcome.exit_code == 1 and "threads.start" not in outcome.err:
                tally.wrong("threads that do not start", f"{what}: {outcome.err}")


def on_terminal(program: Program, command: list[str]) -> bytes:
    """What the command writes to a terminal that is its standard output and error."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [program.path, *command], cwd=program.folder, stdin=subprocess.DEVNULL, stdout=follower, stderr=follower
    ) as child:
        os.close(follower)
        text, ends = b"", time.monotonic() + 60
        while time.monotonic() < ends:
            if not select.select([leader], [], [], 0.2)[0]:
                if child.poll() is not None:
                    break
                continue
            try:
                text += os.read(leader, 65536)
            except OSError:  # the terminal has no other end any more
                break
        child.wait(10)
    os.close(leader)
    return text


# Colours and the progress bar are the program's own.
OWN = re.compile(rb"\x1b\[(\d+(;\d+)*)?m|\x1b\[K|\r")


def terminals(program: Program, rows: list[str], id_column: str, tally: Tally) -> None:
    evil = "\x1b]0;owned\x07\x1b[31mred\x9b2J\x08"
    header = rows[0].rstrip("\n").split(",")
    at = header.index(id_column)
    cells = rows[1].rstrip("\n").split(",")
    cells[at] = "evil" + evil
    table = program.folder / "evil.csv"
    table.write_text(",".join([*header, "more" + evil]) + "\n" + ",".join([*cells, "x"]) + "\n")
    wrong = cells.copy()
    wrong[header.index("amount")] = "12" + evil
    (program.folder / "wrong.csv").write_text(",".join(header) + "\n" + ",".join(wrong) + "\n")
    (program.folder / "rules.json").write_text(
        json.dumps(
            {
                "ruleset": "set" + evil,
                "version": 1,
                "hit_policy": "first",
                "rules": [
                    {
                        "id": "R" + evil,
                        "when": "amount > 1" + evil,
                        "on_missing": "SKIP",
                        "then": {"action": "DECLINE", "reason": "x" + evil},
                    }
                ],
            }
        )
    )
    (program.folder / f"model{evil[:6]}.json").write_text('{"learner": "' + evil[:3] + '"}')
    (program.folder / "policy.json").write_text(json.dumps({"policy" + evil: evil}))
    score = ["score", "--bundle", "bundle", "--id", id_column, "--out", "e.csv"]
    program.run(*score, "--data", "evil.csv", "--audit", "evil")
    commands = [
        [*score, "--data", "evil.csv"],
        [*score, "--data", "wrong.csv"],
        [*score, "--data", "nothing" + evil],
        ["score" + evil],
        [*score, "--data", "evil.csv", "--flag" + evil],
        ["explain", "--bundle", "bundle", "--data", "evil.csv", "--row", "0"],
        ["rules", "check", "rules.json", "--schema", "bundle/schema.json"],
        ["policy", "check", "policy.json"],
        ["forest", "inspect", f"model{evil[:6]}.json"],
        ["bundle", "inspect", "bundle" + evil],
        ["audit", "show", "evil"],
        ["audit", "show", "evil", "--id", "evil" + evil],
        ["audit", "show", "evil", "--id", evil],
        ["review", "queue", "evil"],
        ["audit", "verify", "log" + evil],
    ]
    for command in commands:
        text = OWN.sub(b"", on_terminal(program, command))
        if not text:
            tally.wrong("terminals", f"{command}: no output")
        raw = re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", text)
        if raw:
            tally.wrong("terminals", f"{command}: {text[max(0, raw.start() - 60) : raw.start() + 20]!r}")
        else:
            tally.add("terminals", "escaped")


def main(arguments: list[str]) -> int:
    if len(arguments) not in (5, 6):
        print(__doc__, file=sys.stderr)
        return 2
    path, bundle, data, id_column = arguments[1:5]
    tries = min(10, int(arguments[5])) if len(arguments) == 6 else 10
    tally = Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = Program(path, folder)
        shutil.copytree(bundle, folder / "bundle")
        shutil.copy(data, folder / "data.csv")
        rows = Path(data).read_text().splitlines(keepends=True)
        signals(program, rows, id_column, tally, tries)
        threads(program, id_column, tally)
        terminals(program, rows, id_column, tally)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
