"""ONNX Runtime on a network of the bench, written as an ONNX graph."""

import sys

import numpy as np
import onnxruntime
from network_case import NetworkCase, bench_network
from onnx import TensorProto, helper, numpy_helper

case = NetworkCase(sys.argv[1])
nodes, constants = [], []


def constant(name: str, value: np.ndarray) -> str:
    constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
    return name


def node(kind: str, *inputs: str, **attributes: object) -> str:
    output = f"{kind}_{len(nodes)}"
    nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
    return output


def integers(name: str, *values: int) -> str:
    return constant(name, np.array(values, np.int64))


def embed(x: str) -> str:
    edges, first = case.pieces()
    reached = node("GreaterOrEqual", node("Unsqueeze", x, integers("third", 2)), constant("inner", edges[:, 1:]))
    within = node("ReduceSum", node("Cast", reached, to=TensorProto.INT64), integers("bins_axis", 2), keepdims=0)
    bins = node("Add", within, constant("first", first.astype(np.int64)))
    at, slope, edge = (
        node("Gather", constant(name, case.tensors[f"numeric.{name}"]), bins) for name in ("at", "slope", "edges")
    )
    distance = node("Unsqueeze", node("Sub", x, edge), "third")
    return node("Reshape", node("Add", at, node("Mul", distance, slope)), integers("flat", 0, -1))


def graph() -> None:
    n_dense, n_paths = case.about["n_dense"], case.about["paths"]
    x = node("Slice", "rows", integers("zero", 0), integers("n_dense", n_dense), integers("one", 1))
    margin = node("Slice", "rows", "n_dense", integers("end", n_dense + 1), "one")
    if case.about["dimension"] > 0:
        x = embed(x)
    if n_paths > 1:
        scaled = node("Mul", node("Unsqueeze", x, "one"), constant("scale", case.tensors["scale"]))
        x = node("Reshape", scaled, integers("paths_of_rows", -1, case.tensors["scale"].shape[1]))
    for layer in range(case.n_layers):
        weight = constant(f"weight_{layer}", case.tensors[f"layer.{layer}.weight"].T)
        x = node("Relu", node("Gemm", x, weight, constant(f"bias_{layer}", case.tensors[f"layer.{layer}.bias"])))
    bias, head = constant("head_bias", case.tensors["head.bias"]), case.tensors["head.weight"]
    if n_paths > 1:
        each = node("Reshape", x, integers("rows_of_paths", -1, *head.shape))
        products = node("Mul", each, constant("head", head))
        z = node("Add", node("ReduceSum", products, integers("two", 2), keepdims=0), bias)
    else:
        z = node("Gemm", x, constant("head", head.T), bias)
    line = node("Add", node("Mul", margin, constant("a", case.tensors["a"])), constant("b", case.tensors["b"]))
    nodes.append(helper.make_node("ReduceMean", [node("Add", line, z), "one"], ["margins"], keepdims=0))


graph()
rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, case.rows.shape[1]])
margins = helper.make_tensor_value_info("margins", TensorProto.FLOAT, [None])
model = helper.make_model(
    helper.make_graph(nodes, "network", [rows], [margins], constants),
    opset_imports=[helper.make_opsetid("", 18)],
    ir_version=9,
)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
bench_network(case, "ONNX Runtime", onnxruntime.__version__, lambda x: session.run(["margins"], {"rows": x})[0])
