"""A LightGBM model of the case's size, trained on its rows, for the peers that know LightGBM alone."""

from pathlib import Path

import lightgbm
import numpy as np
from protocol import Case


def twin_of(case: Case) -> Path:
    """Trains it once and keeps it in the case's folder."""
    path = case.folder / "twin.txt"
    if not path.exists():
        depth = case.about["depth"]
        params = {
            "objective": "binary",
            "num_leaves": 2**depth,
            "max_depth": depth,
            "min_data_in_leaf": 5,
            "seed": 1,
            "num_threads": 1,
            "verbose": -1,
        }
        params["histogram_pool_size"] = 2048  # MiB; without it, deep trees of many columns take tens of GiB
        data = lightgbm.Dataset(case.table("train.f32"), np.fromfile(case.folder / "train_labels.f32", np.float32))
        lightgbm.train(params, data, num_boost_round=case.about["n_trees"]).save_model(path)
    return path
