#!/usr/bin/env python3
"""Writes the XGBoost goldens beside this file: NAME.xgb.json or NAME.xgb.ubj, and NAME.rows and NAME.margins as raw
little-endian float32.

For what the distribution's library cannot write. Run it in an environment with the newest xgboost, numpy and pandas.
"""

import json
import pathlib

import numpy as np
import pandas as pd
import xgboost as xgb

HERE = pathlib.Path(__file__).resolve().parent
N_COLUMNS, N_TRAIN, N_ROWS = 4, 300, 50


def table(rng, n):
    x = rng.normal(size=(n, N_COLUMNS)).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    return x


def save(name, model, rows, formats=("json",)):
    margins = model.predict(rows, output_margin=True).astype("<f4")
    for format in formats:
        (HERE / f"{name}.xgb.{format}").write_bytes(model.save_raw(format))
    (HERE / f"{name}.margins").write_bytes(margins.tobytes())
    dense = rows.get_data().toarray() if not hasattr(rows, "golden") else rows.golden
    (HERE / f"{name}.rows").write_bytes(np.asarray(dense, dtype="<f4").tobytes())


def matrix(x, y=None, **options):
    rows = xgb.DMatrix(x, y, **options)
    rows.golden = np.asarray(x, dtype=np.float32)
    return rows


def train(name, params, labels, rng, rounds=4, formats=("json",)):
    x = table(rng, N_TRAIN)
    fixed = {"max_depth": 3, "nthread": 1, "seed": 3}
    model = xgb.train({**fixed, **params}, matrix(x, labels(np.nan_to_num(x))), rounds)
    save(name, model, matrix(table(rng, N_ROWS)), formats)
    return model


def categories(rng):
    colours = ["red", "green", "blue", "grey"]
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=N_TRAIN).astype(np.float32),
            "colour": pd.Categorical(rng.choice(colours, N_TRAIN), categories=colours),
            "code": pd.Categorical(rng.choice([10, 20, 35], N_TRAIN)),
        }
    )
    y = frame.number + (frame.colour == "red") - 2.0 * (frame.code == 20)
    params = {"max_depth": 3, "max_cat_to_onehot": 1, "nthread": 1}
    model = xgb.train(params, xgb.DMatrix(frame, y, enable_categorical=True), 4)
    # The same rows as texts in another order of categories: XGBoost recodes them by what it stored.
    shuffled = frame.iloc[:N_ROWS].copy()
    shuffled["colour"] = shuffled.colour.cat.reorder_categories(colours[::-1])
    rows = xgb.DMatrix(shuffled, enable_categorical=True)
    codes = frame.iloc[:N_ROWS].copy()
    for column in ("colour", "code"):
        codes[column] = codes[column].cat.codes
    rows.golden = codes.to_numpy(dtype=np.float32)
    save("xgboost_categories", model, rows, ("json", "ubj"))
    (HERE / "xgboost_categories.texts").write_text("\n".join(shuffled.colour) + "\n", encoding="utf-8")


def newer_dart(name):
    """DART's layout since 3.3, made from the older one: gbtree with weight_drop in its model."""
    document = json.loads((HERE / f"{name}.xgb.json").read_text())
    booster = document["learner"]["gradient_booster"]
    if booster["name"] == "dart":
        booster = {"name": "gbtree", "model": {**booster["gbtree"]["model"], "weight_drop": booster["weight_drop"]}}
        document["learner"]["gradient_booster"] = booster
    for suffix in ("rows", "margins"):
        (HERE / f"{name}_flat.{suffix}").write_bytes((HERE / f"{name}.{suffix}").read_bytes())
    (HERE / f"{name}_flat.xgb.json").write_text(json.dumps(document))


def main():
    rng = np.random.default_rng(20260708)
    one = lambda x: x[:, 0] + x[:, 1] ** 2
    two = lambda x: np.c_[x[:, 0] + x[:, 1], x[:, 1] * x[:, 2]]
    classes = lambda x: np.digitize(x[:, 0], [-0.5, 0.5])
    vector = {"multi_strategy": "multi_output_tree", "num_target": 2}
    train("xgboost_vector", vector, two, rng, formats=("json", "ubj"))
    train("xgboost_targets", {"num_target": 2}, two, rng)
    train(
        "xgboost_vector_classes",
        {"multi_strategy": "multi_output_tree", "objective": "multi:softprob", "num_class": 3},
        classes,
        rng,
    )
    train("xgboost_quantiles", {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}, one, rng)
    train("xgboost_absolute", {"objective": "reg:absoluteerror"}, one, rng)
    train(
        "xgboost_classes",
        {"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 2, "subsample": 0.7},
        classes,
        rng,
    )
    train(
        "xgboost_linear",
        {"booster": "gblinear", "objective": "multi:softprob", "num_class": 3},
        classes,
        rng,
        formats=("json", "ubj"),
    )
    dart = {"booster": "dart", "rate_drop": 0.5, "one_drop": 1, "objective": "binary:logistic"}
    train("xgboost_dart", dart, lambda x: x[:, 0] > 0, rng, rounds=12)
    newer_dart("xgboost_dart")
    categories(rng)


if __name__ == "__main__":
    main()
