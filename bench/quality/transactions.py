"""Windowed features of the simulated card transactions, as a table that `sluice train --split part` reads.

A transaction knows its customer's count and mean amount over 1, 7 and 30 days up to itself, and its terminal's count and share of
frauds over 1, 7 and 30 days that end seven days before it: labels arrive late. Trained from April to the middle of June, validated
on the rest of June, tested on July.
"""

from pathlib import Path

import numpy as np
import pandas as pd

DAY = 86400
WINDOWS = (1, 7, 30)
DELAY = 7 * DAY


def read_months(folder: Path) -> pd.DataFrame:
    table = pd.concat(
        [pd.read_csv(path) for path in sorted(folder.glob("transactions_2018-*.csv.gz"))], ignore_index=True
    )
    table["seconds"] = (
        (pd.to_datetime(table["TX_DATETIME"]) - pd.Timestamp("2018-04-01")).dt.total_seconds().astype(np.int64)
    )
    return table.sort_values(["seconds", "TRANSACTION_ID"], ignore_index=True)


def window_sums(
    keys: np.ndarray, seconds: np.ndarray, values: np.ndarray, begin: int, end: int
) -> tuple[np.ndarray, np.ndarray]:
    """For each row: count and sum of `values` of the rows of its key with seconds in (own - begin, own - end]. Rows are in time order."""
    order = np.argsort(keys, kind="stable")
    span = seconds.max() + 40 * DAY  # keys lie apart by more than any window
    place = keys[order].astype(np.int64) * span + seconds[order]
    sums = np.concatenate([[0.0], np.cumsum(values[order])])
    first = np.searchsorted(place, place - begin, side="right")
    last = np.searchsorted(place, place - end, side="right")
    last = np.maximum(first, last)
    count, total = np.empty(len(keys)), np.empty(len(keys))
    count[order] = last - first
    total[order] = sums[last] - sums[first]
    return count, total


def features(folder: Path) -> pd.DataFrame:
    table = read_months(folder)
    seconds = table["seconds"].to_numpy()
    out = pd.DataFrame({"amount": table["TX_AMOUNT"], "hour": seconds // 3600 % 24, "weekday": seconds // DAY % 7})
    amounts, frauds = table["TX_AMOUNT"].to_numpy(), table["TX_FRAUD"].to_numpy(float)
    for days in WINDOWS:
        count, total = window_sums(table["CUSTOMER_ID"].to_numpy(), seconds, amounts, days * DAY, 0)
        out[f"customer_count_{days}"] = count
        out[f"customer_mean_{days}"] = total / np.maximum(count, 1)
        count, total = window_sums(table["TERMINAL_ID"].to_numpy(), seconds, frauds, DELAY + days * DAY, DELAY)
        out[f"terminal_count_{days}"] = count
        out[f"terminal_risk_{days}"] = total / np.maximum(count, 1)
    out["card"] = "c" + table["CUSTOMER_ID"].astype(str)
    out["terminal"] = "t" + table["TERMINAL_ID"].astype(str)
    days = seconds // DAY
    out["part"] = np.where(days < 76, "train", np.where(days < 91, "valid", "test"))
    out["fraud"] = table["TX_FRAUD"]
    return out
