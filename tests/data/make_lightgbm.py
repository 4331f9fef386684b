#!/usr/bin/env python3
"""Writes the LightGBM goldens beside this file: NAME.lgb.txt, and NAME.rows and NAME.margins as raw little-endian doubles.

Rows are float32 numbers, so that both sides see the same ones. Run it in an environment with lightgbm and numpy.
"""
import pathlib

import lightgbm as lgb
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
N_COLUMNS, N_TRAIN, N_ROWS = 4, 400, 60
ODD = [0.0, -0.0, 1e-36, -1e-36, 1e-35, 1e-42, np.inf, -np.inf, np.nan, 3e38, -3e38, 1.0, -0.5, 7.75, 16777216.0]


def table(rng, n):
    x = rng.normal(size=(n, N_COLUMNS)).astype(np.float32)
    x[:, 1] *= rng.random(n) < 0.6  # many zeros
    x[:, 3] = rng.integers(0, 40, n)
    return x


def train(name, params, rng, labels, rounds=8, missing=True, **booster):
    x = table(rng, N_TRAIN)
    if missing:
        x[rng.random(x.shape) < 0.1] = np.nan
    data = lgb.Dataset(x, labels(np.nan_to_num(x), rng), categorical_feature=[3], free_raw_data=False, **booster)
    fixed = {"verbose": -1, "seed": 7, "num_threads": 1, "deterministic": True, "force_row_wise": True, "num_leaves": 12,
             "min_data_in_leaf": 5, "min_data_per_group": 5, "cat_smooth": 1.0}
    model = lgb.train({**fixed, **params}, data, rounds)
    rows = table(rng, N_ROWS)
    rows[rng.random(rows.shape) < 0.25] = np.nan
    odd = rng.random(rows.shape) < 0.25
    rows[odd] = rng.choice(np.array(ODD, dtype=np.float32), odd.sum())
    margins = np.asarray(model.predict(rows.astype(np.float64), raw_score=True), dtype="<f8")
    if params.get("boosting") == "rf":  # raw_score gives the sum, of which the link takes the mean
        margins /= rounds
    text = model.model_to_string().split("\nfeature_importances:")[0] + "\n"
    (HERE / f"{name}.lgb.txt").write_text(text)
    (HERE / f"{name}.rows").write_bytes(rows.astype("<f4").tobytes())
    (HERE / f"{name}.margins").write_bytes(margins.tobytes())


def binary(x, rng):
    return (x[:, 0] + x[:, 1] + (x[:, 3] % 3 == 0) + rng.normal(size=len(x)) > 0.5).astype(float)


def positive(x, rng):
    return np.exp(0.3 * x[:, 0] + 0.2 * (x[:, 3] % 3 == 0)) + rng.random(len(x))


def classes(x, rng):
    return np.digitize(x[:, 0] + 0.3 * rng.normal(size=len(x)), [-0.5, 0.5]).astype(float)


def main():
    rng = np.random.default_rng(20260707)
    train("lightgbm_binary", {"objective": "binary", "sigmoid": 2.0}, rng, binary)
    train("lightgbm_no_missing", {"objective": "regression"}, rng, positive, missing=False)
    train("lightgbm_zero_missing", {"objective": "binary", "zero_as_missing": True}, rng, binary)
    train("lightgbm_classes", {"objective": "multiclass", "num_class": 3}, rng, classes, rounds=4)
    train("lightgbm_ova", {"objective": "multiclassova", "num_class": 3}, rng, classes, rounds=3)
    train("lightgbm_poisson", {"objective": "poisson"}, rng, positive)
    train("lightgbm_forest", {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}, rng, binary)
    train("lightgbm_dart", {"objective": "cross_entropy", "boosting": "dart", "drop_rate": 0.5}, rng, binary)
    train("lightgbm_stump", {"objective": "regression", "min_data_in_leaf": 1000}, rng, positive, rounds=2)


if __name__ == "__main__":
    main()
