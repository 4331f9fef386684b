"""What the Python peers of the network bench share: the files that bench/dnn_case.h describes, and the two works."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from protocol import report, time_calls

SINGLES = 500


class NetworkCase:
    def __init__(self, folder: str) -> None:
        path = Path(folder)
        self.about = json.loads((path / "case.json").read_text())
        self.tensors = {
            name: np.fromfile(path / f"{name}.f32", np.float32).reshape(shape)
            for name, shape in self.about["tensors"].items()
        }
        self.rows = np.fromfile(path / "rows.f32", np.float32).reshape(self.about["n_rows"], -1)
        self.margins = np.fromfile(path / "margins.f32", np.float32)

    @property
    def n_layers(self) -> int:
        return len(self.about["hidden"])

    def pieces(self) -> tuple[np.ndarray, np.ndarray]:
        """Edges [inputs, bins], and where each input's bins begin among all."""
        edges = self.tensors["numeric.edges"].reshape(self.about["n_dense"], -1)
        return edges, np.arange(len(edges)) * edges.shape[1]


def bench_network(case: NetworkCase, peer: str, version: str, forward: Callable[[np.ndarray], np.ndarray]) -> None:
    difference = float(np.abs(forward(case.rows) - case.margins).max())
    report(peer, version, "batch", time_calls(lambda _: forward(case.rows), 21), len(case.rows), difference)
    singles = [np.ascontiguousarray(case.rows[i % len(case.rows)][None]) for i in range(SINGLES)]
    report(peer, version, "one row", time_calls(lambda i: forward(singles[i]), SINGLES), 1, difference, "Python call")
