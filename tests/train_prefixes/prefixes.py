"""Trains on the first rows of every open table, as many as each of a range of counts.

    prefixes.py SLUICE DATA [--first 60] [--last 500] [--step 1] [--tables a,b] [--workers 2] [-- TRAIN OPTIONS]

A small table may be refused with words (a label of one class, say). A crash, a hang, and an error that blames Sluice's
own numbers are faults: they are printed with the command that repeats them, and the exit code is 1.
"""

import argparse
import concurrent.futures
import gzip
import pathlib
import subprocess
import sys
import tempfile

TABLES = {
    "german_credit/german.data": ["--label", "label", "--positive", "2"],
    "german_credit/german.data-numeric": ["--label", "label", "--positive", "2"],
    "restaurant_ratings/rating_final.csv": ["--label", "rating", "--positive", "2", "--drop", "userID"],
    "uci_credit_default/UCI_Credit_Card.csv.gz": ["--label", "class", "--drop", "ID"],
    "bank_marketing/bank-additional-full.csv.gz": ["--label", "y", "--positive", "yes"],
    "vehicle_claim_fraud/fraud_oracle.csv.gz": ["--label", "FraudFound_P", "--drop", "PolicyNumber"],
    "transactions_sim_2018/transactions_2018-04.csv.gz": [
        "--label",
        "TX_FRAUD",
        "--id",
        "TRANSACTION_ID",
        "--drop",
        "TX_FRAUD_SCENARIO",
    ],
}

# What only a fault of Sluice's own can bring about.
FAULTS = ("is not finite", "attribution.additivity", "forest.walk", "internal")


def first_lines(path, count):
    """The header and `count` rows, with commas."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else open(path) as file:
        lines = [line.rstrip("\r\n") for _, line in zip(range(count + 1), file)]
    if path.name.startswith("german"):  # fields between blanks, and no header
        rows = [line.split() for line in lines[:count]]
        names = [f"a{k}" for k in range(1, len(rows[0]))] + ["label"]
        return [",".join(row) for row in [names, *rows]]
    return lines


def train(sluice, lines, count, options, folder):
    """The fault, or ""; whether it was refused."""
    data = folder / "rows.csv"
    data.write_text("\n".join(lines[: count + 1]) + "\n")
    command = [sluice, "train", "--data", data, "--out", folder / "bundle", "--threads", "1", "--quiet", *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return "it hangs", False
    last = done.stderr.strip().splitlines()
    if done.returncode not in (0, 1, 2):
        return f"exit code {done.returncode}: {' '.join(last[-2:])}", False
    if any(word in done.stderr for word in FAULTS):
        return " ".join(last[:2]), False
    return "", done.returncode != 0


def run(sluice, data, table, counts, options):
    lines = first_lines(data / table, max(counts))
    faults, n_refused = [], 0
    with tempfile.TemporaryDirectory() as name:
        for count in counts:
            fault, is_refused = train(sluice, lines, count, TABLES[table] + options, pathlib.Path(name))
            n_refused += is_refused
            if fault:
                faults.append(f"{table}, first {count} rows: {fault}")
    return faults, n_refused


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--first", type=int, default=60)
    parser.add_argument("--last", type=int, default=500)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--workers", type=int, default=2)
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    given, options = parser.parse_args(words[:at]), words[at + 1 :]
    counts = list(range(given.first, given.last + 1, given.step))
    sluice = pathlib.Path(given.sluice).resolve()
    jobs, n_faults = {}, 0
    with concurrent.futures.ThreadPoolExecutor(given.workers) as pool:
        for table in given.tables.split(","):
            for part in range(min(8, len(counts))):  # so that the workers end together
                jobs[pool.submit(run, sluice, given.data, table, counts[part::8], options)] = table
        refused = dict.fromkeys(jobs.values(), 0)
        for job in concurrent.futures.as_completed(jobs):
            faults, n_refused = job.result()
            n_faults += len(faults)
            refused[jobs[job]] += n_refused
            print(*faults, sep="\n", end="\n" if faults else "", flush=True)
    for table, n in refused.items():
        print(f"{table}: {len(counts)} trainings, {n} refused with words")
    print(f"{len(counts) * len(refused) - n_faults} passed, {n_faults} failed")
    sys.exit(1 if n_faults else 0)


main()
