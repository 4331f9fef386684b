"""A network as plain NumPy: what BLAS alone gives."""

import sys

import numpy as np
from network_case import NetworkCase, bench_network

case = NetworkCase(sys.argv[1])
tensor = case.tensors
layers = [
    (np.ascontiguousarray(tensor[f"layer.{i}.weight"].T), tensor[f"layer.{i}.bias"]) for i in range(case.n_layers)
]
head = np.ascontiguousarray(tensor["head.weight"].T)
n_paths = case.about["paths"]
if case.about["dimension"] > 0:
    edges, first = case.pieces()


def embed(x: np.ndarray) -> np.ndarray:
    bins = (x[:, :, None] >= edges[:, 1:]).sum(axis=2) + first
    distance = (x - tensor["numeric.edges"][bins])[:, :, None]
    return (tensor["numeric.at"][bins] + distance * tensor["numeric.slope"][bins]).reshape(len(x), -1)


def forward(rows: np.ndarray) -> np.ndarray:
    x = rows[:, :-1]
    if case.about["dimension"] > 0:
        x = embed(x)
    if n_paths > 1:
        x = (x[:, None, :] * tensor["scale"]).reshape(len(rows) * n_paths, -1)
    for weight, bias in layers:
        x = x @ weight
        x += bias
        np.maximum(x, 0, out=x)
    z = np.einsum("nki,ki->nk", x.reshape(len(rows), n_paths, -1), tensor["head.weight"]) if n_paths > 1 else x @ head
    return (rows[:, -1:] * tensor["a"] + tensor["b"] + z + tensor["head.bias"]).mean(axis=1)


bench_network(case, "NumPy", np.__version__, forward)
