#!/usr/bin/env python3
"""Makes every read of every file fail, one at a time: a program must fail, or give the same bytes as without the fault.

Usage: read_faults.py SLUICE BUNDLE DATA ID_COLUMN [MAX_FAULTS_PER_COMMAND]

SLUICE is the program, BUNDLE a bundle, DATA a table for it. Prints a row for each command, and exits with 1 if a
command took a fault for the end of a file.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from attack import Outcome, Program, Tally, build_preload, check_ended, spread

KINDS = ("eio", "end", "short", "eintr")
HARMLESS = {"short", "eintr"}  # a program reads on


class Attack:
    def __init__(self, program: Program, preload: Path, tally: Tally):
        self.program, self.preload, self.tally = program, preload, tally

    def run(self, command: list[str], at: int, kind: str) -> tuple[Outcome, int]:
        """What the command gives, and how many reads it made."""
        out = self.program.folder.parent / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        environment = {
            "LD_PRELOAD": str(self.preload),
            "FAULT_FOLDER": str(self.program.folder),
            "FAULT_AT": str(at),
            "FAULT_KIND": kind,
            "FAULT_COUNT": str(out / "count"),
        }
        done = self.program.run(*(word.replace("OUT", str(out)) for word in command), environment=environment)
        done.out += "".join(path.read_text() for path in sorted(out.glob("*.csv")))
        return done, int((out / "count").read_text())

    def faults(self, name: str, command: list[str], max_faults: int) -> None:
        attack = f"reads that fail: {name}"
        sound, n_reads = self.run(command, 0, "none")
        if sound.exit_code != 0:
            raise SystemExit(f"{name} fails without a fault: {sound.err}")
        for kind in KINDS:
            for at in spread(n_reads, max_faults):
                outcome, _ = self.run(command, at, kind)
                what = f"read {at} of {n_reads}, {kind}"
                if kind in HARMLESS and outcome.out != sound.out:
                    self.tally.wrong(attack, f"{what}: exit {outcome.exit_code}")
                else:
                    check_ended(self.tally, attack, what, outcome, lambda now=outcome: now.out == sound.out)


def commands(id_column: str) -> dict[str, list[str]]:
    score = ["score", "--bundle", "bundle", "--data", "data.csv", "--id", id_column, "--quiet", "--threads", "1"]
    return {
        "score": [*score, "--out", "OUT/scored.csv"],
        "bundle verify": ["bundle", "verify", "bundle"],
        "rules check": ["rules", "check", "rules.json", "--schema", "schema.json"],
        "forest predict": [
            "forest",
            "predict",
            "bundle/forest-0.json",
            "--schema",
            "schema.json",
            "--data",
            "data.csv",
            "--quiet",
            "--threads",
            "1",
            "--out",
            "OUT/margins.csv",
        ],
        "audit verify": ["audit", "verify", "log"],
        "audit export": ["audit", "export", "log", "--out", "OUT/log.csv"],
    }


def make_inputs(program: str, folder: Path, bundle: str, data: str, id_column: str) -> None:
    shutil.copytree(bundle, folder / "bundle")
    shutil.copy(data, folder / "data.csv")
    shutil.copy(folder / "bundle" / "schema.json", folder / "schema.json")
    (folder / "blocked.txt").write_text("".join(f"word {i}\n" for i in range(30_000)))
    columns = json.loads((folder / "schema.json").read_text())["columns"]
    name = next(column["name"] for column in columns if column["kind"] == "id")
    (folder / "rules.json").write_text(
        '{"ruleset": "r", "version": 1, "hit_policy": "first",'
        ' "lists": {"blocked": {"of": "COLUMN", "file": "blocked.txt"}},'
        ' "rules": [{"id": "B", "when": "COLUMN in blocked", "on_missing": "SKIP",'
        ' "then": {"action": "DECLINE", "reason": "blocked"}}]}'.replace("COLUMN", name)
    )
    score = ["score", "--bundle", "bundle", "--data", "data.csv", "--id", id_column, "--quiet", "--audit", "log"]
    subprocess.run([program, *score, "--out", "out.csv"], cwd=folder, check=True, capture_output=True)


def main(arguments: list[str]) -> int:
    if len(arguments) not in (5, 6):
        print(__doc__, file=sys.stderr)
        return 2
    program, bundle, data, id_column = arguments[1:5]
    max_faults = int(arguments[5]) if len(arguments) == 6 else 1000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        folder.mkdir()
        runner = Program(program, folder)
        make_inputs(runner.path, folder, bundle, data, id_column)
        tally = Tally()
        attack = Attack(runner, build_preload(Path(__file__).with_suffix(".c"), Path(name)), tally)
        for verb, words in commands(id_column).items():
            attack.faults(verb, words, max_faults)
        return tally.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
