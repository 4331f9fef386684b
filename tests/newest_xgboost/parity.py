#!/usr/bin/env python3
"""Random models of the newest XGBoost, predicted by `sluice forest predict --margin`, must have XGBoost's own bits.

Usage: parity.py SLUICE [MODELS] [SEED]. Needs xgboost and numpy. Ends with status 1 at the first difference, naming the seed and
leaving the model and the rows in the folder that it names.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import xgboost as xgb

REGRESSION = [
    "reg:squarederror",
    "reg:absoluteerror",
    "reg:pseudohubererror",
    "reg:squaredlogerror",
    "rank:pairwise",
    "reg:quantileerror",
]
POSITIVE = ["count:poisson", "reg:gamma", "reg:tweedie", "survival:cox"]
BINARY = ["binary:logistic", "binary:logitraw", "binary:hinge", "reg:logistic"]
CLASSES = ["multi:softprob", "multi:softmax"]


def table(rng, n_rows, n_columns):
    x = rng.normal(size=(n_rows, n_columns)).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    return x


def labels(rng, objective, x):
    signal = np.nan_to_num(x[:, 0]) + rng.normal(size=len(x))
    if objective in BINARY:
        return (signal > 0).astype(float)
    if objective in CLASSES:
        return np.digitize(signal, [-0.5, 0.5]).astype(float)
    if objective in POSITIVE or objective == "reg:squaredlogerror":
        return np.exp(0.3 * signal)
    return np.digitize(signal, [-0.5, 0.5]).astype(float) if objective.startswith("rank:") else signal


def random_params(rng):
    objective = str(rng.choice(REGRESSION + POSITIVE + BINARY + CLASSES))
    params = {
        "objective": objective,
        "max_depth": int(rng.integers(1, 8)),
        "eta": float(rng.uniform(0.1, 1)),
        "nthread": 1,
        "seed": int(rng.integers(1 << 30)),
        "booster": str(rng.choice(["gbtree", "gbtree", "dart", "gblinear"])),
        "verbosity": 0,
    }
    if (
        objective in ("reg:absoluteerror", "reg:quantileerror", "survival:cox", "rank:pairwise")
        and params["booster"] == "gblinear"
    ):
        params["booster"] = "gbtree"
    if params["booster"] == "gblinear":
        del params["max_depth"]
    if params["booster"] == "dart":
        params.update(rate_drop=0.5, one_drop=1)
    if objective in CLASSES:
        params["num_class"] = 3
    if objective == "reg:quantileerror":
        params["quantile_alpha"] = [0.2, 0.8]
    if params["booster"] == "gbtree" and rng.random() < 0.3:
        params.update(num_parallel_tree=2, subsample=0.7)
    if params["booster"] == "gbtree" and objective in CLASSES + ["reg:squarederror"] and rng.random() < 0.4:
        params["multi_strategy"] = "multi_output_tree"
    return params


def train(rng, params):
    x = table(rng, 200, int(rng.integers(2, 8)))
    y = labels(rng, params["objective"], x)
    if params["objective"] == "reg:squarederror" and rng.random() < 0.5 and params["booster"] != "gblinear":
        y = np.c_[y, np.nan_to_num(x[:, 1])]  # two targets
    data = xgb.DMatrix(x, y)
    if params["objective"].startswith("rank:"):
        data.set_group([50, 50, 100])
    return xgb.train(params, data, int(rng.integers(1, 8))), x


def sluice_margins(sluice, folder, model, n_rows):
    command = [
        sluice,
        "forest",
        "predict",
        str(folder / model),
        "--data",
        str(folder / "rows.csv"),
        "--margin",
        "--out",
        str(folder / "out.csv"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    lines = (folder / "out.csv").read_text().splitlines()[1:]
    return np.array([[np.float32(cell) for cell in line.split(",")[1:]] for line in lines], dtype=np.float32).reshape(
        n_rows, -1
    )


def check(sluice, seed, folder):
    rng = np.random.default_rng(seed)
    params = random_params(rng)
    model, x = train(rng, params)
    rows = np.concatenate([table(rng, 40, x.shape[1]), x[:10]])
    expected = model.predict(xgb.DMatrix(rows), output_margin=True).reshape(len(rows), -1)
    names = [f"f{c}" for c in range(x.shape[1])]
    cells = [",".join("" if np.isnan(v) else repr(float(v)) for v in row) for row in rows]
    (folder / "rows.csv").write_text("\n".join([",".join(names)] + cells) + "\n")
    for suffix in ("json", "ubj"):
        model.save_model(folder / f"model.{suffix}")
        actual = sluice_margins(sluice, folder, f"model.{suffix}", len(rows))
        if (
            actual.shape != expected.shape
            or (actual.view(np.uint32) != expected.astype(np.float32).view(np.uint32)).any()
        ):
            print(f"seed {seed}, {suffix}, {params}: the margins differ; model and rows are in {folder}")
            return False
    return True


def main():
    sluice, n_models = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-newest-"))
    for seed in range(first, first + n_models):
        if not check(sluice, seed, folder):
            return 1
    print(f"xgboost {xgb.__version__}: {n_models} models, JSON and UBJSON, bit for bit")
    return 0


if __name__ == "__main__":
    sys.exit(main())
