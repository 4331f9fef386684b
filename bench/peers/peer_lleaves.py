"""lleaves, which compiles LightGBM models, on the twin."""

import sys
from importlib.metadata import version

import lleaves
import numpy as np
from protocol import bench_predict, read_case
from twin import twin_of

case = read_case(sys.argv[1])
model = lleaves.Model(model_file=str(twin_of(case)))
model.compile()


def predict(rows: np.ndarray) -> np.ndarray:
    return model.predict(rows, n_jobs=1)


bench_predict(case, "lleaves", version("lleaves"), predict, None)
