#!/usr/bin/env python3
"""Writes the LightGBM goldens beside this file: NAME.lgb.txt, NAME.rows (float32), NAME.margins and, of some, NAME.predictions and
NAME.contribs (doubles), all raw and little-endian.

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


FIXED = {
    "verbose": -1,
    "seed": 7,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_leaves": 12,
    "min_data_in_leaf": 5,
    "min_data_per_group": 5,
    "cat_smooth": 1.0,
}


def boost(params, rng, labels, rounds, missing, init_model=None):
    x = table(rng, N_TRAIN)
    if missing:
        x[rng.random(x.shape) < 0.1] = np.nan
    data = lgb.Dataset(x, labels(np.nan_to_num(x), rng), categorical_feature=[3], free_raw_data=False)
    return lgb.train({**FIXED, **params}, data, rounds, init_model=init_model)


def write(name, model, rng, rewrite=lambda text: text, divisor=1, also=()):
    """`rewrite` changes the model's text. What it predicts then is LightGBM's own reading of that."""
    text = rewrite(model.model_to_string().split("\nfeature_importances:")[0] + "\n")
    model = lgb.Booster(model_str=text)
    rows = table(rng, N_ROWS)
    rows[rng.random(rows.shape) < 0.25] = np.nan
    odd = rng.random(rows.shape) < 0.25
    rows[odd] = rng.choice(np.array(ODD, dtype=np.float32), odd.sum())
    cells = rows.astype(np.float64)
    (HERE / f"{name}.lgb.txt").write_text(text)
    (HERE / f"{name}.rows").write_bytes(rows.astype("<f4").tobytes())
    outputs = {"margins": {"raw_score": True}, "predictions": {}, "contribs": {"pred_contrib": True}}
    for what in ("margins", *also):
        values = np.asarray(model.predict(cells, **outputs[what]), dtype="<f8") / (divisor if what == "margins" else 1)
        (HERE / f"{name}.{what}").write_bytes(values.tobytes())


def train(name, params, rng, labels, rounds=8, missing=True, **options):
    # raw_score gives a random forest's sum, of which the link takes the mean
    divisor = rounds if params.get("boosting") == "rf" else 1
    write(name, boost(params, rng, labels, rounds, missing), rng, divisor=divisor, **options)


def as_version_2_0_10(text):
    """Without the lines that came later."""
    later = ("version=", "tree_sizes=", "leaf_weight=", "internal_weight=", "is_linear=")
    lines = [line for line in text.splitlines() if not line.startswith(later)]
    return "\n".join(lines).replace("end of trees", "feature importances:") + "\n"


def infinite_thresholds(rng):
    """Columns 0 and 1 are zero or missing: their splits part the missing from the others."""
    x = table(rng, N_TRAIN)
    x[:, 0:2] = 0
    x[rng.random(x.shape) < 0.4] = np.nan
    y = np.isnan(x[:, 0]) + 2.0 * np.isnan(x[:, 1]) + np.nan_to_num(x[:, 2]) + 0.1 * rng.normal(size=N_TRAIN)
    return lgb.train({**FIXED, "objective": "regression"}, lgb.Dataset(x, y, categorical_feature=[3]), 6)


def mixed_missing_types(rng):
    """Continued twice: columns 0 to 2 are of type None, then NaN, then Zero."""
    model = boost({"objective": "binary"}, rng, binary, 4, missing=False)
    model = boost({"objective": "binary"}, rng, binary, 4, missing=True, init_model=model)
    return boost({"objective": "binary", "zero_as_missing": True}, rng, binary, 4, missing=True, init_model=model)


def binary(x, rng):
    return (x[:, 0] + x[:, 1] + (x[:, 3] % 3 == 0) + rng.normal(size=len(x)) > 0.5).astype(float)


def positive(x, rng):
    return np.exp(0.3 * x[:, 0] + 0.2 * (x[:, 3] % 3 == 0)) + rng.random(len(x))


def signed(x, rng):
    return x[:, 0] + 0.5 * (x[:, 3] % 3 == 0) + 0.1 * rng.normal(size=len(x))


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
    train(
        "lightgbm_forest",
        {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6},
        rng,
        binary,
    )
    train("lightgbm_dart", {"objective": "cross_entropy", "boosting": "dart", "drop_rate": 0.5}, rng, binary)
    train("lightgbm_stump", {"objective": "regression", "min_data_in_leaf": 1000}, rng, positive, rounds=2)
    rng = np.random.default_rng(20260808)
    write("lightgbm_infinite", infinite_thresholds(rng), rng, also=["contribs"])
    write("lightgbm_mixed_missing", mixed_missing_types(rng), rng, also=["contribs"])
    train("lightgbm_lambda", {"objective": "cross_entropy_lambda"}, rng, binary, also=["predictions"])
    train("lightgbm_sqrt", {"objective": "regression", "reg_sqrt": True}, rng, signed, also=["predictions"])
    train("lightgbm_old", {"objective": "regression"}, rng, signed, rewrite=as_version_2_0_10)
    linear = boost(
        {"objective": "regression", "linear_tree": True},
        rng,
        signed,
        4,
        missing=True,
        init_model=boost({"objective": "regression"}, rng, signed, 2, missing=True),
    )
    write("lightgbm_linear", linear, rng)


if __name__ == "__main__":
    main()
