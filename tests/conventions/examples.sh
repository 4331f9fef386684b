#!/usr/bin/env bash
# Trains a small bundle and runs every example on it: examples.sh BUILD SOURCE
set -euo pipefail
build=$1 source=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
sluice=$build/bin/sluice
$sluice simulate --rows 6000 --seed 2 --out transactions.csv --quiet
cat >train.json <<'EOF'
{"forest": {"search": 1, "folds": 2, "max_rounds": 30}, "network": {"members": [{"kind": "mlp", "count": 1}], "max_epochs": 2}, "band": {"min_z": -1e9}}
EOF
$sluice train --data transactions.csv --label fraud --schema "$source/examples/schema.json" --rules "$source/examples/rules" --config train.json --out bundle --quiet >/dev/null
"$build/examples/decide_one" bundle | tee decide.txt
grep -qE '^(APPROVE|REVIEW|DECLINE), p = 0\.[0-9]{4}, level L[01] [a-z_]*$' decide.txt
"$build/examples/embed_decision_engine" bundle | tee embed.txt
[ "$(grep -cE '^(APPROVE|REVIEW|DECLINE), p = 0\.[0-9]+, level L0 $' embed.txt)" = 2 ]
grep -q '^log whole, 0 lost, 0 of 2 decided otherwise$' embed.txt
[ "$(wc -l <history.jsonl)" = 3 ]
"$build/examples/batch_backtest" bundle transactions.csv fraud | tee backtest.txt
grep -q AUC backtest.txt
"$build/examples/explain_report" bundle transactions.csv 17 explanation.html
[ "$(stat -c %s explanation.html)" -le 61440 ]
$sluice policy check "$source/examples/thresholds.json"
