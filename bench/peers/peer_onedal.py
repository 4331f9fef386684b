"""oneDAL through daal4py, on the model that it converts from XGBoost's."""

import re
import sys

import daal4py
import numpy as np
import xgboost
from daal4py.mb import convert_model
from protocol import bench_predict, read_case

case = read_case(sys.argv[1])
daal4py.daalinit(1)
booster = xgboost.Booster(model_file=case.model)
config = re.sub(r'"base_score":"\[([^,\]]*)[^\]]*\]"', r'"base_score":"\1"', booster.save_config())
booster.save_config = lambda: config  # daal4py knows the base score as XGBoost wrote it before 3.1
model = convert_model(booster)


def predict(rows: np.ndarray) -> np.ndarray:
    values = model.predict_proba(rows)
    return values if case.n_classes > 1 else values[:, 1]


bench_predict(case, "oneDAL", "2024.7 (daal4py)", predict, True)
