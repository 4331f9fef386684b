"""LightGBM, tuned as the forest stage tunes XGBoost, on the same rows: the rival that quality.py shows beside it."""

import lightgbm
import numpy as np
import pandas as pd

TRIALS = 20
ROUNDS = 1000
PATIENCE = 40


def features_of(table: pd.DataFrame, left_out: list[str]) -> pd.DataFrame:
    """Numbers as they are, text as categories."""
    features = table.drop(columns=left_out)
    return features.apply(lambda column: column if pd.api.types.is_numeric_dtype(column) else column.astype("category"))


def random_parameters(random: np.random.Generator) -> dict:
    def log_uniform(low: float, high: float) -> float:
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    return {
        "learning_rate": log_uniform(0.02, 0.12),
        "num_leaves": int(log_uniform(7, 64)),
        "min_data_in_leaf": int(log_uniform(5, 200)),
        "feature_fraction": float(random.uniform(0.4, 1.0)),
        "bagging_fraction": float(random.uniform(0.5, 1.0)),
        "bagging_freq": 1,
        "lambda_l2": log_uniform(0.1, 20),
        "cat_smooth": log_uniform(1, 100),
    }


def tuned_lightgbm(
    table: pd.DataFrame, labels: np.ndarray, parts: np.ndarray, left_out: list[str], seed: int, threads: int
) -> np.ndarray:
    """Probabilities of all rows, from the best of TRIALS random configurations by log-loss on the validation rows."""
    features = features_of(table, left_out)
    train, valid = parts == "train", parts == "valid"
    random = np.random.default_rng(seed)
    best_loss, best = np.inf, None
    data = lightgbm.Dataset(features[train], labels[train], free_raw_data=False)
    for _ in range(TRIALS):
        fixed = {
            "objective": "binary",
            "metric": "binary_logloss",
            "seed": seed,
            "num_threads": threads,
            "verbose": -1,
            "feature_pre_filter": False,
        }
        model = lightgbm.train(
            {**fixed, **random_parameters(random)},
            data,
            num_boost_round=ROUNDS,
            valid_sets=[lightgbm.Dataset(features[valid], labels[valid], reference=data)],
            callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
        )
        loss = model.best_score["valid_0"]["binary_logloss"]
        if loss < best_loss:
            best_loss, best = loss, model
    return best.predict(features, num_threads=threads)
