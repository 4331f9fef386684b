"""ONNX Runtime on the model that onnxmltools makes of XGBoost's."""

import sys

import numpy as np
import onnxruntime
import xgboost
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from protocol import bench_predict, read_case

case = read_case(sys.argv[1])
booster = xgboost.Booster(model_file=case.model)
onnx = convert_xgboost(booster, initial_types=[("rows", FloatTensorType([None, case.about["n_features"]]))])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(onnx.SerializeToString(), options, providers=["CPUExecutionProvider"])


def predict(rows: np.ndarray) -> np.ndarray:
    values = session.run(["probabilities"], {"rows": rows})[0]
    return values if case.n_classes > 1 else values[:, 1]


bench_predict(case, "ONNX Runtime", onnxruntime.__version__, predict, True)
