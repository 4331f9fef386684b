"""What else of the forest helps the network, beside its margins? The experiment behind docs/adr/0010-network-reads-prefix-margins-only.md.

    augmentation.py SLUICE DATA WORK [--seeds N]      prints a table

Each candidate is given to the network as late columns, which the forest never sees, made without leakage: of a training row
by forests that did not learn from it. The network also has the staged out-of-fold margins, as always. The differences are
those of the network for all rows on the test rows, paired by split, against the margins alone.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost
from sklearn.metrics import log_loss, roc_auc_score

FOLDS, SEEDS_A_FOLD, LEAF_TREES = 5, 3, 12
FOREST = {
    "objective": "binary:logistic",
    "max_depth": 4,
    "eta": 0.06,
    "subsample": 0.8,
    "colsample_bytree": 0.6,
    "min_child_weight": 5,
    "lambda": 2,
}
CANDIDATES = {
    "margins alone": [],
    "leaf support": ["support"],
    "disagreement of forests": ["disagreement"],
    "probability of the forest": ["probability"],
    "leaf ids, embedded": [f"leaf_{k}" for k in range(LEAF_TREES)],
}


def fit(x: np.ndarray, y: np.ndarray, rounds: int, seed: int) -> xgboost.Booster:
    return xgboost.train({**FOREST, "seed": seed, "nthread": 1}, xgboost.DMatrix(x, y), rounds)


def log_covers(forest: xgboost.Booster, x: np.ndarray) -> np.ndarray:
    """Of each row the mean over trees of the logarithm of how many training rows its leaf held (by hessian)."""
    leaves = forest.predict(xgboost.DMatrix(x), pred_leaf=True).astype(int)
    nodes = forest.trees_to_dataframe()
    cover = {tree: dict(zip(rows["Node"], np.log(rows["Cover"] + 1))) for tree, rows in nodes.groupby("Tree")}
    return np.mean([[cover[t][leaf] for t, leaf in enumerate(row)] for row in leaves], axis=1)


def augment(table: pd.DataFrame, label: str, part: np.ndarray, seed: int) -> pd.DataFrame:
    """The table with the candidates' columns and the split."""
    x, y = table.drop(columns=[label]).to_numpy(np.float32), table[label].to_numpy()
    train = part == "train"
    random = np.random.default_rng(seed)
    fold = np.where(train, random.integers(0, FOLDS, len(y)), -1)
    margins = np.zeros((SEEDS_A_FOLD, len(y)))
    support = np.zeros(len(y))
    for k in range(FOLDS):
        unseen, weight = (fold == k) | ~train, np.where(train, 1.0, 1.0 / FOLDS)
        for s in range(SEEDS_A_FOLD):
            forest = fit(x[train & (fold != k)], y[train & (fold != k)], 150, seed * 100 + s)
            margins[s, unseen] += weight[unseen] * forest.predict(xgboost.DMatrix(x[unseen]), output_margin=True)
        support[unseen] += weight[unseen] * log_covers(forest, x[unseen])
    # Leaf ids mean the same in one forest only: it learns from a fifth of the rows, whose own leaves are left out.
    taught = train & (fold == 0)
    leaves = fit(x[taught], y[taught], LEAF_TREES, seed).predict(xgboost.DMatrix(x), pred_leaf=True).astype(int)
    columns = {
        "support": support,
        "disagreement": margins.std(axis=0),
        "probability": 1 / (1 + np.exp(-margins.mean(axis=0))),
    }
    columns |= {f"leaf_{t}": pd.Series([f"l{leaf}" for leaf in leaves[:, t]]).mask(taught) for t in range(LEAF_TREES)}
    return table.assign(**columns, part=part)


def network_scores(
    sluice: Path, table: pd.DataFrame, label: str, columns: list[str], seed: int, work: Path
) -> tuple[np.ndarray, np.ndarray]:
    csv, scores = work / "augmented.csv", work / "scores.csv"
    others = {c for names in CANDIDATES.values() for c in names} - set(columns)
    table.drop(columns=list(others)).to_csv(csv, index=False)
    command = [
        sluice,
        "train",
        "--data",
        csv,
        "--label",
        label,
        "--split",
        "part",
        "--seed",
        str(seed),
        "--search",
        "8",
        "--threads",
        "1",
        "--quiet",
    ]
    command += (["--late", ",".join(columns)] if columns else []) + ["--scores", scores, "--out", work / "bundle"]
    subprocess.run(command, check=True, capture_output=True)
    rows = pd.read_csv(scores).query("part == 'test'")
    return rows["label"].to_numpy(), rows["p_network"].to_numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sluice", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    table = pd.read_csv(given.data / "uci_credit_default/UCI_Credit_Card.csv.gz").drop(columns=["ID"])
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in CANDIDATES}
    for seed in range(given.seeds):
        part = np.random.default_rng(1000 + seed).choice(["train", "valid", "test"], len(table), p=[0.6, 0.2, 0.2])
        augmented = augment(table, "class", part, seed)
        for name, columns in CANDIDATES.items():
            y, p = network_scores(given.sluice, augmented, "class", columns, seed, given.work)
            found[name].append((roc_auc_score(y, p), log_loss(y, p)))
            print(seed, name, *found[name][-1], file=sys.stderr, flush=True)
    base = np.array(found["margins alone"])
    print(f"| uci_credit_default, {given.seeds} splits, × 10⁻⁴ | AUC | log-loss |\n|---|---|---|")
    for name, values in found.items():
        delta = 1e4 * (np.array(values) - base)
        error = delta.std(axis=0, ddof=1) / given.seeds**0.5
        print(f"| {name} | {delta[:, 0].mean():+.1f} ± {error[0]:.1f} | {delta[:, 1].mean():+.1f} ± {error[1]:.1f} |")


if __name__ == "__main__":
    main()
