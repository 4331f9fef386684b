"""Does the second stage earn its place? Five random splits of every open table, beside tuned rivals on the same rows.

    quality.py SLUICE DATA WORK [--seeds N] [--sets a,b]      keeps WORK/<set>-<seed>.json and prints docs/quality.md

The rival is XGBoost, tuned by 20 random configurations grown level by level with early stopping. Everything is chosen on the
validation rows; the differences are on the test rows, paired by split.
"""

import argparse
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import rivals
import transactions
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

TRIALS = 20  # of each way to grow a forest
CAP = 0.30


@dataclass
class Set:
    """An open table as `sluice train` reads it."""

    name: str
    source: str  # in the data folder
    label: str
    positive: str = ""
    drop: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    config: dict = field(default_factory=dict)
    costs: dict | None = None
    has_split: bool = False  # one split, in the column "part"
    ways: int = 4  # to grow a forest: level by level or leaf by leaf, and, where there are categories, these as sets or as numbers
    trials: int = TRIALS
    with_lightgbm: bool = True


SETS = [
    Set("uci_credit_default", "uci_credit_default/UCI_Credit_Card.csv.gz", "class", drop=["ID"], ways=2),
    Set("bank_marketing", "bank_marketing/bank-additional-full.csv.gz", "y", "yes", drop=["duration"]),
    Set("vehicle_claim_fraud", "vehicle_claim_fraud/fraud_oracle.csv.gz", "FraudFound_P", drop=["PolicyNumber"]),
    Set("german_credit", "german_credit/german.data", "label", "2"),
    Set(
        "uci_credit_default, late",
        "uci_credit_default/UCI_Credit_Card.csv.gz",
        "class",
        drop=["ID"],
        late=["PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"],
        costs={"false_positive": 1, "false_negative": 4},
        ways=2,
        with_lightgbm=False,
    ),
    Set(
        "transactions_sim_2018",
        "transactions_sim_2018",
        "fraud",
        late=["card", "terminal"],
        config={
            "forest": {"folds": 2, "bag": 4},
            "network": {"members": [{"kind": "embedding", "count": 2}], "batch_size": 1024, "max_epochs": 4},
        },
        has_split=True,
        ways=2,
        trials=4,
        with_lightgbm=False,
    ),
]


def read_table(data: Path, which: Set) -> pd.DataFrame:
    path = data / which.source
    if which.name == "transactions_sim_2018":
        return transactions.features(path)
    if which.name == "german_credit":
        return pd.read_csv(path, sep=" ", header=None, names=[f"a{k}" for k in range(1, 21)] + ["label"])
    return pd.read_csv(path, sep=None, engine="python")


def train(sluice: Path, csv: Path, which: Set, seed: int, work: Path, threads: int) -> tuple[dict, pd.DataFrame]:
    """The report of `sluice train`, and each stage's output for every row, in the file's order."""
    name = work / f"{which.name.replace(', ', '-')}-{seed}"
    config = {"forest": {"search": which.trials * which.ways, **which.config.get("forest", {})}}
    if "network" in which.config:
        config["network"] = which.config["network"]
    (work / "train.json").write_text(json.dumps(config))
    command = [
        sluice,
        "train",
        "--data",
        csv,
        "--label",
        which.label,
        "--seed",
        str(seed),
        "--config",
        work / "train.json",
    ]
    command += ["--positive", which.positive] if which.positive else []
    command += ["--drop", ",".join(which.drop)] if which.drop else []
    command += ["--late", ",".join(which.late)] if which.late else []
    command += ["--split", "part"] if which.has_split else []
    if which.costs:
        (work / "costs.json").write_text(json.dumps(which.costs))
        command += ["--costs", work / "costs.json"]
    command += ["--threads", str(threads), "--quiet", "--out", f"{name}.bundle", "--scores", f"{name}.csv"]
    if not Path(f"{name}.csv").exists():
        subprocess.run(command, check=True, capture_output=True)
    report = json.loads(Path(f"{name}.bundle/train_report.json").read_text())
    return report, pd.read_csv(f"{name}.csv").sort_values("row", ignore_index=True)


def best_band(p: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """The rows of the interval of p with the largest gain, at most CAP of all: what a choice on these very rows would reach."""
    order = np.argsort(p, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(gain[order])])
    edges = np.arange(0, len(p) + 1, max(1, len(p) // 200))
    best, chosen = 0.0, (0, 0)
    for first in edges:
        inside = edges[(edges > first) & (edges <= first + CAP * len(p))]
        if len(inside) and (top := (sums[inside] - sums[first]).max()) > best:
            best, chosen = top, (first, inside[np.argmax(sums[inside] - sums[first])])
    rows = np.zeros(len(p), bool)
    rows[order[chosen[0] : chosen[1]]] = True
    return rows


def row_loss(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    return -np.where(y == 1, np.log(p), np.log1p(-p))


def figures(report: dict, scores: pd.DataFrame, lightgbm: np.ndarray | None) -> dict:
    """AUC, average precision, log-loss of every way to score the test rows."""
    test = (scores["part"] == "test").to_numpy()
    y = scores["label"].to_numpy()[test]
    p = {
        name: scores[column].to_numpy()[test]
        for name, column in {
            "tuned XGBoost": "p_one_forest",
            "best forest of the search": "p_best_forest",
            "bag of forests": "p_forest",
            "network for all rows": "p_network",
        }.items()
    }
    single, bag, network = p["tuned XGBoost"], p["bag of forests"], p["network for all rows"]
    if lightgbm is not None:
        p["tuned LightGBM"] = lightgbm[test]
        logit = lambda x: np.log(x / (1 - x))
        p["XGBoost and LightGBM averaged"] = 1 / (1 + np.exp(-(logit(single) + logit(p["tuned LightGBM"])) / 2))
    inside = scores["forwarded"].to_numpy()[test] == 1
    p["the cascade, as served"] = np.where(inside, network, bag)
    for name in ("network for all rows", "bag of forests", "tuned LightGBM", "XGBoost and LightGBM averaged"):
        if name in p:
            p[f"in the band alone: {name.replace(' for all rows', '')}"] = np.where(inside, p[name], single)
    oracle = best_band(bag, row_loss(bag, y) - row_loss(network, y))
    p["the cascade, were the band chosen on the test rows"] = np.where(oracle, network, bag)
    out = {
        name: {"auc": roc_auc_score(y, x), "ap": average_precision_score(y, x), "loss": log_loss(y, x)}
        for name, x in p.items()
    }
    return {
        "figures": out,
        "forwarded": float(inside.mean()),
        "share": report["share_of_cost_reduction"],
        "epochs": report["network_epochs"],
        "warnings": report["warnings"],
    }


def measure(sluice: Path, data: Path, work: Path, which: Set, seed: int, threads: int) -> dict:
    table = read_table(data, which)
    csv = work / f"{which.name.replace(', ', '-')}.input.csv"
    if not csv.exists():
        table.to_csv(csv, index=False)
    report, scores = train(sluice, csv, which, seed, work, threads)
    lightgbm = None
    if which.with_lightgbm:
        left_out = [which.label, *which.drop, *which.late] + (["part"] if which.has_split else [])
        lightgbm = rivals.tuned_lightgbm(
            table, scores["label"].to_numpy(), scores["part"].to_numpy(), left_out, seed, threads
        )
    return figures(report, scores, lightgbm)


def spread(values: list[float], scale: float = 1e4) -> str:
    error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return f"{scale * np.mean(values):+.1f} ± {scale * error:.1f}"


def section(which: Set, results: list[dict]) -> list[str]:
    base = [r["figures"]["tuned XGBoost"] for r in results]
    out = [f"## {which.name}", ""]
    if which.costs:
        shares = [r["share"] for r in results]
        out += [
            f"Of the cost that fetching the late columns for all rows saves, fetching them for {np.mean([r['forwarded'] for r in results]):.1%} saves "
            f"{100 * np.mean(shares):.1f} ± {100 * np.std(shares, ddof=1) / len(shares) ** 0.5:.1f} % ({', '.join(f'{100 * s:.0f}' for s in shares)}).",
            "",
        ]
    out += [
        f"Tuned XGBoost: AUC {np.mean([b['auc'] for b in base]):.4f}, average precision {np.mean([b['ap'] for b in base]):.4f}, log-loss {np.mean([b['loss'] for b in base]):.4f}; "
        f"{len(results)} {'split' if len(results) == 1 else 'splits'}; {np.mean([r['forwarded'] for r in results]):.1%} forwarded. Differences × 10⁻⁴, paired:",
        "",
        "| | AUC | log-loss | average precision | AUC by split |",
        "|---|---|---|---|---|",
    ]
    for name in results[0]["figures"]:
        if name == "tuned XGBoost":
            continue
        delta = {
            key: [r["figures"][name][key] - b[key] for r, b in zip(results, base)] for key in ("auc", "loss", "ap")
        }
        out.append(
            f"| {name} | {spread(delta['auc'])} | {spread(delta['loss'])} | {spread(delta['ap'])} | {', '.join(f'{1e4 * d:+.0f}' for d in delta['auc'])} |"
        )
    off = sum(r["forwarded"] == 0 for r in results)
    if off:
        out += [
            "",
            f"On {off} of {len(results)} splits the trainer found that forwarding does not pay, and switched it off.",
        ]
    return [*out, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sluice", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", default=",".join(s.source.split("/")[0] for s in SETS))
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    lines = []
    for which in SETS:
        if which.source.split("/")[0] not in given.sets.split(",") or not (given.data / which.source).exists():
            continue
        results = []
        for seed in range(1 if which.has_split else given.seeds):
            kept = given.work / f"{which.name.replace(', ', '-')}-{seed}.json"
            if not kept.exists():
                kept.write_text(json.dumps(measure(given.sluice, given.data, given.work, which, seed, given.threads)))
            results.append(json.loads(kept.read_text()))
        lines += section(which, results)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
