#!/usr/bin/env python3
"""Makes every change that a program makes to its outputs fail, one at a time: it must fail, or write what it should.

Usage: write_faults.py SLUICE BUNDLE DATA ID_COLUMN [MAX_FAULTS_PER_COMMAND]

Under its final name, an output is absent, the old one, or the whole new one. A log is whole after the next writer has
opened it, and if the command claims success, it has all records. No temporary file is left.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from attack import Outcome, Program, Tally, build_preload, check_ended, spread

KINDS = ("enospc", "eio", "short", "eintr")
HARMLESS = {"short", "eintr"}  # a program writes on


class Attack:
    def __init__(self, program: Program, preload: Path, score: list[str], tally: Tally):
        self.program, self.preload, self.score, self.tally = program, preload, score, tally
        self.out = program.folder / "out"
        self.expected: dict[str, bytes] = {}

    def run(self, command: list[str], at: int, kind: str) -> tuple[Outcome, int]:
        count = self.program.folder / "count"
        environment = {
            "LD_PRELOAD": str(self.preload),
            "FAULT_FOLDER": str(self.out),
            "FAULT_AT": str(at),
            "FAULT_KIND": kind,
            "FAULT_COUNT": str(count),
        }
        count.write_text("0")
        outcome = self.program.run(*command, environment=environment)
        return outcome, int(count.read_text() or 0)

    def reset(self, before: Path) -> None:
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.copytree(before, self.out)

    def files(self) -> dict[str, bytes]:
        """The outputs that are the same in every run."""
        return {p.name: p.read_bytes() for p in self.out.rglob("*") if p.is_file() and p.suffix in {".csv", ".jsonl"}}

    def is_log_sound(self, n_before: int, n_wanted: int) -> bool:
        log = self.out / "log"
        if not log.exists():
            return n_wanted == 0
        again = self.program.run(*self.score, "--out", "again.csv", "--audit", str(log))
        if again.exit_code != 0 or self.program.run("audit", "verify", str(log)).exit_code != 0:
            return False
        shown = self.program.run("audit", "export", str(log), "--out", "export.jsonl")
        n_rows = len((self.program.folder / "again.csv").read_text().splitlines()) - 1
        kinds = (self.program.folder / "export.jsonl").read_text().count('"kind":"decision"')
        return shown.exit_code == 0 and kinds >= n_before + n_rows + n_wanted

    def check(self, name: str, at: str, outcome: Outcome, before: dict[str, bytes], wanted: dict[str, bytes]) -> None:
        attack = f"writes that fail: {name}"
        partial = [p.name for p in self.out.rglob("*") if ".partial-" in p.name]
        if partial:
            self.tally.wrong(attack, f"{at}: {partial[0]} is left")
            return
        now = self.files()
        for file in before.keys() | wanted.keys() | now.keys():
            if now.get(file) not in (before.get(file), wanted.get(file)):
                self.tally.wrong(attack, f"{at}: {file} is neither the old one nor the new one")
                return
        check_ended(self.tally, attack, at, outcome, lambda: now == wanted)

    def command(self, name: str, words: list[str], before: Path, max_faults: int, n_logged: int = 0) -> None:
        self.reset(before)
        files_before = self.files()
        sound, n_changes = self.run(words, 0, "none")
        if sound.exit_code != 0 or n_changes == 0:
            raise SystemExit(f"{name}: exit {sound.exit_code}, {n_changes} changes: {sound.err}")
        wanted = self.files()
        n_before = n_logged if (before / "log").exists() else 0
        for kind in KINDS:
            for at in spread(n_changes, max_faults):
                self.reset(before)
                outcome, _ = self.run(words, at, kind)
                place = f"change {at} of {n_changes}, {kind}"
                if kind in HARMLESS and outcome.exit_code != 0:
                    self.tally.wrong(f"writes that fail: {name}", f"{place}: exit {outcome.exit_code}: {outcome.err}")
                    continue
                self.check(name, place, outcome, files_before, wanted)
                logged = n_logged if outcome.exit_code == 0 else 0
                if n_logged and not self.is_log_sound(n_before, logged):
                    self.tally.wrong(f"writes that fail: {name}", f"{place}: the log is not sound afterwards")


def main(arguments: list[str]) -> int:
    if len(arguments) not in (5, 6):
        print(__doc__, file=sys.stderr)
        return 2
    path, bundle, data, id_column = arguments[1:5]
    max_faults = int(arguments[5]) if len(arguments) == 6 else 1000
    tally = Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = Program(path, folder)
        preload = build_preload(Path(__file__).with_suffix(".c"), folder)
        shutil.copytree(bundle, folder / "bundle")
        lines = Path(data).read_text().splitlines(keepends=True)[:201]
        (folder / "data.csv").write_text("".join(lines))
        score = ["score", "--bundle", "bundle", "--data", "data.csv", "--id", id_column, "--quiet", "--threads", "1"]
        attack = Attack(program, preload, score, tally)
        empty, old, logged = folder / "empty", folder / "old", folder / "logged"
        empty.mkdir()
        old.mkdir()
        (old / "scored.csv").write_text("the old file\n")
        logged.mkdir()
        program.run(*score, "--out", "x.csv", "--audit", str(logged / "log"))
        n = len(lines) - 1
        attack.command("score", [*score, "--out", "out/scored.csv"], empty, max_faults)
        attack.command("score over a file", [*score, "--out", "out/scored.csv"], old, max_faults)
        attack.command("a new log", [*score, "--out", "out/s.csv", "--audit", "out/log"], empty, max_faults, n)
        attack.command(
            "a log that goes on", [*score, "--out", "out/s.csv", "--audit", "out/log"], logged, max_faults, n
        )
        attack.command("audit export", ["audit", "export", "out/log", "--out", "out/log.jsonl"], logged, max_faults)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
