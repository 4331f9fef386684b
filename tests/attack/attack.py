"""What the attacks share: how a program is run under a fault, and how tries are counted."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MAX_SECONDS = 90


@dataclass
class Outcome:
    exit_code: int | None  # None: it hung
    out: str
    err: str

    @property
    def is_sound(self) -> bool:
        """It ended by itself, with a documented exit code, and said why if it failed."""
        return self.exit_code in (0, 2, 3) or (self.exit_code == 1 and "error: " in self.err)


class Program:
    def __init__(self, path: str, folder: Path):
        self.path, self.folder = str(Path(path).resolve()), folder

    def run(
        self,
        *words: str,
        environment: dict[str, str] | None = None,
        limits: dict[int, int] | None = None,
        max_seconds: float = MAX_SECONDS,
        stdin: int | None = subprocess.DEVNULL,
    ) -> Outcome:
        def before() -> None:
            for limit, value in (limits or {}).items():
                resource.setrlimit(limit, (value, value))

        try:
            done = subprocess.run(
                [self.path, *words],
                stdin=stdin,
                capture_output=True,
                cwd=self.folder,
                env=os.environ | (environment or {}),
                timeout=max_seconds,
                check=False,
                preexec_fn=before if limits else None,
            )
        except subprocess.TimeoutExpired:
            return Outcome(None, "", "")
        return Outcome(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


class Tally:
    """Counts the outcomes of each attack, and prints a row of a table for it."""

    def __init__(self) -> None:
        self.rows: dict[str, Counter[str]] = {}
        self.n_wrong = 0

    def add(self, attack: str, outcome: str) -> None:
        self.rows.setdefault(attack, Counter())[outcome] += 1

    def wrong(self, attack: str, what: str) -> None:
        self.add(attack, "WRONG")
        self.n_wrong += 1
        print(f"WRONG  {attack}: {what}", file=sys.stderr)

    def finish(self) -> int:
        for attack, outcomes in self.rows.items():
            text = ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items()))
            print(f"| {attack} | {sum(outcomes.values())} | {text} |")
        return 1 if self.n_wrong else 0


def build_preload(source: Path, folder: Path) -> Path:
    library = folder / source.with_suffix(".so").name
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-o", library, source, "-ldl"], check=True)
    return library


def spread(n: int, most: int) -> range:
    """At most `most` of 1..n, evenly."""
    return range(1, n + 1, max(1, -(-n // most)))


def check_ended(tally: Tally, attack: str, what: str, outcome: Outcome, holds: Callable[[], bool]) -> None:
    """The program must have ended by itself; if it claims success, `holds`."""
    if not outcome.is_sound:
        tally.wrong(attack, f"{what}: exit {outcome.exit_code}: {outcome.err.strip()[:200]}")
    elif outcome.exit_code == 0 and not holds():
        tally.wrong(attack, f"{what}: exit 0 with a wrong result")
    else:
        tally.add(attack, "unharmed" if outcome.exit_code == 0 else "refused")
