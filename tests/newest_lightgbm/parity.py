#!/usr/bin/env python3
"""Random models of the newest LightGBM, given to `sluice forest`: margins must have LightGBM's own bits, predictions and contributions
must be near its own.

Usage: parity.py SLUICE [MODELS] [SEED]. Needs lightgbm and numpy. Ends with status 1 at the first difference, naming the seed and
leaving the model and the rows in the folder that it names.
"""

import pathlib
import subprocess
import sys
import tempfile
import warnings

import lightgbm as lgb
import numpy as np

REGRESSION = ["regression", "regression_l1", "huber", "fair", "quantile", "mape"]
POSITIVE = ["poisson", "gamma", "tweedie"]
BINARY = ["binary", "cross_entropy", "cross_entropy_lambda"]
CLASSES = ["multiclass", "multiclassova"]
RANKING = ["lambdarank", "rank_xendcg"]
BATCHES = [1, 15, 16, 17, 63, 64, 65, 512, 513]
ODD = np.array(
    [0.0, -0.0, 1e-36, -1e-35, 1e-42, np.inf, -np.inf, np.nan, 3e38, -3e38, 1.0, -0.5, 7.75, 16777216.0, -7.0],
    np.float32,
)
COLUMNS = ["plain", "plain", "zeros", "constant", "flag or missing", "all missing", "steps", "category", "category"]


def column(rng, kind, n):
    if kind == "zeros":
        return rng.normal(size=n) * (rng.random(n) < 0.5)
    if kind == "constant":
        return np.full(n, rng.choice([0.0, 1.5, -2.0]))
    if kind == "flag or missing":
        return np.where(rng.random(n) < 0.5, np.nan, 0.0)
    if kind == "all missing":
        return np.full(n, np.nan)
    if kind == "steps":
        return rng.integers(-3, 4, n)
    if kind == "category":
        return rng.integers(0, 40, n)
    return rng.normal(size=n)


def table(rng, kinds, n, missing):
    x = np.column_stack([column(rng, kind, n) for kind in kinds]).astype(np.float32)
    x[rng.random(x.shape) < missing] = np.nan
    return x


def labels(rng, objective, x):
    seen = np.where(np.isfinite(x), x, 0.7)
    signal = seen @ rng.normal(size=x.shape[1]) * 0.5 / np.maximum(1, np.abs(seen).max()) * 4 + 0.3 * rng.normal(
        size=len(x)
    )
    if objective in BINARY:
        return (signal > np.median(signal)).astype(float)
    if objective in CLASSES + RANKING:
        return np.digitize(signal, np.quantile(signal, [0.3, 0.7])).astype(float)
    return np.exp(0.3 * signal) if objective in POSITIVE else signal


def random_params(rng):
    objective = str(rng.choice(REGRESSION + POSITIVE + BINARY * 2 + CLASSES * 2 + RANKING))
    params = {
        "objective": objective,
        "verbose": -1,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": int(rng.integers(1 << 30)),
        "num_leaves": int(rng.choice([2, 3, 7, 31, 64, 255])),
        "learning_rate": float(rng.uniform(0.05, 0.5)),
        "min_data_in_leaf": int(rng.choice([1, 5, 20])),
        "boosting": str(rng.choice(["gbdt", "gbdt", "gbdt", "dart", "rf"])),
        "extra_trees": bool(rng.random() < 0.2),
        "use_missing": bool(rng.random() < 0.85),
        "zero_as_missing": bool(rng.random() < 0.2),
        "min_data_per_group": int(rng.choice([1, 20])),
        "max_cat_to_onehot": int(rng.choice([1, 4, 100])),
        "cat_smooth": float(rng.choice([0.0, 10.0])),
        "max_bin": int(rng.choice([15, 255])),
    }
    if rng.random() < 0.15:  # most trees are single leaves
        params["min_gain_to_split"] = float(rng.choice([2.0, 10.0, 1e6]))
    if rng.random() < 0.2:
        params["max_depth"] = int(rng.integers(1, 6))
    if params["boosting"] == "rf":
        params.update(bagging_freq=1, bagging_fraction=0.6)
    if params["boosting"] == "dart":
        params["drop_rate"] = 0.3
    if objective in CLASSES:
        params["num_class"] = 3
    if objective in ("binary", "multiclassova"):
        params["sigmoid"] = float(rng.choice([1.0, 0.5, 2.0]))
    if objective in REGRESSION and rng.random() < 0.3:
        params["reg_sqrt"] = True
    if objective != "regression_l1" and rng.random() < 0.1:
        params.update(linear_tree=True, zero_as_missing=False)
    return params


def n_rounds(rng, params):
    if params["num_leaves"] > 31 or "num_class" in params:
        return int(rng.integers(1, 12))
    return int(rng.choice([1, 2, 7, 30, 100] if params["boosting"] == "dart" else [1, 2, 7, 30, 150, 300]))


def boost(rng, params, kinds, rounds, init_model=None):
    x = table(rng, kinds, 300, float(rng.choice([0.0, 0.1, 0.4])))
    categories = [c for c, kind in enumerate(kinds) if kind == "category"]
    group = [100, 80, 120] if params["objective"] in RANKING else None
    data = lgb.Dataset(
        x,
        labels(rng, params["objective"], x),
        categorical_feature=categories,
        group=group,
        params={"verbose": -1, "linear_tree": is_linear(params)},
        free_raw_data=False,
    )
    return lgb.train(params, data, rounds, init_model=init_model)


def is_linear(params):
    return params.get("linear_tree", False)


def train(rng, params, kinds):
    model = boost(rng, params, kinds, n_rounds(rng, params))
    n_more = 0 if params["boosting"] == "rf" else int(rng.choice([0, 0, 0, 1, 2]))
    for _ in range(n_more):  # continued on data with other gaps
        zeros = bool(rng.random() < 0.3) and not is_linear(params)
        other = {**params, "zero_as_missing": zeros, "use_missing": bool(rng.random() < 0.8)}
        model = boost(rng, other, kinds, int(rng.integers(1, 6)), model)
    return model


def sluice_cells(sluice, verb, folder, n_rows, *flags):
    lines = (folder / "rows.csv").read_text().splitlines()
    (folder / "part.csv").write_text("\n".join(lines[: n_rows + 1]) + "\n")
    done = subprocess.run(
        [
            sluice,
            "forest",
            verb,
            str(folder / "model.txt"),
            "--data",
            str(folder / "part.csv"),
            "--out",
            str(folder / "out.csv"),
            *flags,
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{verb} {flags} on {n_rows} rows: {done.stderr}")
    lines = (folder / "out.csv").read_text().splitlines()[1:]
    return np.array([[float(cell) for cell in line.split(",")[1:]] for line in lines]).reshape(n_rows, -1)


def write_inputs(rng, model, kinds, folder):
    rows = table(rng, kinds, BATCHES[-1], 0.15)
    odd = rng.random(rows.shape) < 0.1
    rows[odd] = rng.choice(ODD, odd.sum())
    cells = [",".join("" if np.isnan(v) else repr(float(v)) for v in row) for row in rows]
    (folder / "rows.csv").write_text("\n".join([",".join(f"Column_{c}" for c in range(len(kinds)))] + cells) + "\n")
    (folder / "model.txt").write_text(model.model_to_string())
    return rows.astype(np.float64)


def same_bits(a, b):
    """NaN, which linear leaves make of infinite cells, has no sign in text."""
    return a.shape == b.shape and ((a.view(np.uint64) == b.view(np.uint64)) | (np.isnan(a) & np.isnan(b))).all()


def fault(sluice, seed, folder):
    """What differs; None where nothing does."""
    rng = np.random.default_rng(seed)
    params, kinds = random_params(rng), [str(k) for k in rng.choice(COLUMNS, int(rng.integers(2, 9)))]
    if all(kind in ("all missing", "constant") for kind in kinds):
        kinds.append("plain")
    model = train(rng, params, kinds)
    rows = write_inputs(rng, model, kinds, folder)
    # raw_score and pred_contrib give a random forest's sums, of which the link takes the means
    divisor = model.current_iteration() if params["boosting"] == "rf" else 1
    margins = model.predict(rows, raw_score=True).reshape(len(rows), -1) / divisor
    for n in BATCHES:
        if not same_bits(sluice_cells(sluice, "predict", folder, n, "--margin"), margins[:n]):
            return f"the margins of {n} rows differ", params, kinds
    with np.errstate(over="ignore"):
        expected = model.predict(rows).reshape(len(rows), -1).astype(np.float32)
    # Links are computed of float32 margins: linear leaves extrapolate to margins of which these keep no digit behind the point.
    sound = (np.abs(margins) < 100).all(axis=1)
    actual = sluice_cells(sluice, "predict", folder, len(rows))
    if not np.allclose(actual[sound], expected[sound], rtol=2e-5, atol=2e-6):
        return "the predictions differ", params, kinds
    if is_linear(params):  # of which LightGBM has no contributions
        return None
    contribs = model.predict(rows[:65], pred_contrib=True).reshape(65, -1) / divisor
    off = np.abs(sluice_cells(sluice, "contribs", folder, 65) - contribs)
    if not (off <= 1e-5 * (1 + np.abs(contribs).sum(axis=1, keepdims=True))).all():
        return "the contributions differ", params, kinds
    return None


def main():
    sluice, n_models = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 150
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    warnings.simplefilter("ignore")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-newest-"))
    for seed in range(first, first + n_models):
        try:
            found = fault(sluice, seed, folder)
        except Exception as error:  # sluice's refusals, and what LightGBM does not train
            found = f"{type(error).__name__}: {error}"
        if found is not None:
            print(f"seed {seed}: {found}; model and rows are in {folder}")
            return 1
    print(
        f"lightgbm {lgb.__version__}: {n_models} models; margins bit for bit in batches of {BATCHES}, predictions, contributions"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
