"""What the peers of the forest bench share: a case's files, timing, and the JSON lines that bench/gbdt_table.py reads."""

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SINGLES = 500


@dataclass
class Case:
    """The files that bench/bench_case.h describes."""

    folder: Path
    about: dict
    rows: np.ndarray
    margins: np.ndarray

    @property
    def model(self) -> str:
        return str(self.folder / "model.json")

    @property
    def n_classes(self) -> int:
        """1 for a binary model."""
        return self.about["n_classes"]

    def table(self, name: str) -> np.ndarray:
        return np.fromfile(self.folder / name, np.float32).reshape(-1, self.about["n_features"])


def read_case(folder: str) -> Case:
    path = Path(folder)
    about = json.loads((path / "case.json").read_text())
    rows = np.fromfile(path / "rows.f32", np.float32).reshape(-1, about["n_features"])
    return Case(path, about, rows, np.fromfile(path / "margins.f32", np.float32))


def report(
    peer: str, version: str, work: str, times: list[float], n_rows: int, difference: float | None, note: str = ""
) -> None:
    """Times are seconds a call; the line is in microseconds a row."""
    low, median, high = (1e6 * t / n_rows for t in statistics.quantiles(times, n=4))
    line = {
        "peer": peer,
        "version": version,
        "work": work,
        "us": median,
        "low": low,
        "high": high,
        "difference": difference,
        "note": note,
    }
    print(json.dumps(line), flush=True)


def time_calls(run: Callable[[int], object], n_calls: int) -> list[float]:
    run(0)
    times = []
    for i in range(n_calls):
        start = time.perf_counter()
        run(i)
        times.append(time.perf_counter() - start)
    return times


def probabilities(case: Case) -> np.ndarray:
    """Of the second class, or of each of several, from our margins."""
    margins = case.margins.astype(np.float64)
    if case.n_classes == 1:
        return 1 / (1 + np.exp(-margins))
    powers = np.exp(margins.reshape(-1, case.n_classes))
    return (powers / powers.sum(axis=1, keepdims=True)).reshape(-1)


def bench_predict(
    case: Case, peer: str, version: str, predict: Callable[[np.ndarray], np.ndarray], is_probability: bool | None
) -> None:
    """Batch and one row. `is_probability`: whether `predict` returns probabilities; None: another model's numbers."""
    values = np.asarray(predict(case.rows), np.float64).reshape(-1)
    difference = None
    if is_probability is not None:
        difference = float(np.abs(values - (probabilities(case) if is_probability else case.margins)).max())
    report(peer, version, "batch", time_calls(lambda _: predict(case.rows), 9), len(case.rows), difference)
    singles = [np.ascontiguousarray(case.rows[i : i + 1]) for i in range(SINGLES)]
    report(peer, version, "one row", time_calls(lambda i: predict(singles[i]), SINGLES), 1, difference, "Python call")
