"""Treelite's interpreter."""

import sys

import numpy as np
import treelite
from protocol import bench_predict, read_case

case = read_case(sys.argv[1])
model = treelite.frontend.load_xgboost_model(case.model)


def predict(rows: np.ndarray) -> np.ndarray:
    return treelite.gtil.predict(model, rows, nthread=1, pred_margin=True)


bench_predict(case, "Treelite GTIL", treelite.__version__, predict, False)
