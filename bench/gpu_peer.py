"""PyTorch on the cases that gpu_bench left behind: gpu_peer.py FOLDER. Prints one JSON object.

The same weights in float32, TF32 off: eager, and as a CUDA graph of a fixed batch. What is timed is what gpu_bench times.
"""

import json
import pathlib
import struct
import sys
import time

import numpy
import torch

SMALL = (1, 8, 64, 256)
RESIDENT = {"mlp_64_256x3": 131072, "tabm_64_k32_512x2": 16384}


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = numpy.frombuffer(data[begin:end], dtype=numpy.float32).reshape(entry["shape"]).copy()
    return tensors


class Case:
    """The forward pass of network.h with PyTorch's own operations."""

    def __init__(self, tensors):
        on_device = {
            name: torch.from_numpy(value).cuda() for name, value in tensors.items() if name.startswith("member.0.")
        }
        self.part = {name.removeprefix("member.0."): value for name, value in on_device.items()}
        self.layers = []
        while f"layer.{len(self.layers)}.weight" in self.part:
            name = f"layer.{len(self.layers)}"
            self.layers.append((self.part[f"{name}.weight"], self.part[f"{name}.bias"]))

    def forward(self, rows):
        inputs, margin = rows[:, :-1], rows[:, -1:]
        n_paths = self.part["a"].shape[0]
        x = inputs[:, None, :] * self.part["scale"] if n_paths > 1 else inputs[:, None, :]
        x = x.reshape(-1, inputs.shape[1])
        for weight, bias in self.layers:
            x = torch.relu(torch.addmm(bias, x, weight.t()))
        head = (x.view(rows.shape[0], n_paths, -1) * self.part["head.weight"]).sum(-1) + self.part["head.bias"]
        return (self.part["a"] * margin + self.part["b"] + head).mean(1)


def graph_of(case, rows):
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            case.forward(rows)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        out = case.forward(rows)
    return graph, out


def call_us(call, n_calls=3000):
    for _ in range(100):
        call()
    times = []
    for _ in range(n_calls):
        start = time.perf_counter()
        call()
        times.append(1e6 * (time.perf_counter() - start))
    return {"p50_us": float(numpy.quantile(times, 0.5)), "p99_us": float(numpy.quantile(times, 0.99))}


def rows_per_s(n_rows, run, n_passes=20):
    times = []
    for _ in range(8):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(n_passes):
            run()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - start) / n_passes)
    return n_rows / float(numpy.median(times[1:]))


def small_batches(case, rows):
    out = []
    for n in SMALL:
        pinned, back = rows[:n].clone().pin_memory(), torch.empty(n).pin_memory()
        on_device = pinned.cuda()
        graph, margins = graph_of(case, on_device)

        def eager():
            back.copy_(case.forward(pinned.cuda(non_blocking=True)), non_blocking=True)
            torch.cuda.synchronize()

        def replay():
            on_device.copy_(pinned, non_blocking=True)
            graph.replay()
            back.copy_(margins, non_blocking=True)
            torch.cuda.synchronize()

        out.append({"rows": n, "eager": call_us(eager), "graph": call_us(replay)})
    return out


def measure(name, tensors):
    case, rows = Case(tensors), torch.from_numpy(tensors["rows"])
    margins = case.forward(rows.cuda()).cpu().numpy()
    many = rows.cuda().repeat(-(-RESIDENT[name] // len(rows)), 1)[: RESIDENT[name]].contiguous()
    graph, _ = graph_of(case, many)
    return {
        "largest_difference": float(numpy.abs(margins - tensors["margins"]).max()),
        "device_resident": {
            "rows": len(many),
            "eager_rows_per_s": rows_per_s(len(many), lambda: case.forward(many)),
            "graph_rows_per_s": rows_per_s(len(many), graph.replay),
        },
        "small_batches": small_batches(case, rows),
    }


def main():
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_grad_enabled(False)
    cases = sorted(pathlib.Path(sys.argv[1]).glob("*.safetensors"))
    if not cases:
        sys.exit("gpu_bench has left no case in " + sys.argv[1])
    result = {"torch": torch.__version__}
    for path in cases:
        result[path.stem] = measure(path.stem, read_safetensors(path))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
