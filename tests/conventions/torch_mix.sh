#!/usr/bin/env bash
# A mix of two LibTorchs stops the configuration with a clear message: torch_mix.sh SOURCE CMAKE
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# One folder with headers, whose libraries are another's.
mkdir -p "$folder/mine/include/torch/csrc/api/include/torch" "$folder/mine/lib" "$folder/other/lib"
touch "$folder/mine/include/torch/csrc/api/include/torch/torch.h"
for part in torch torch_cpu c10; do
  touch "$folder/other/lib/lib$part.so"
  ln -s "$folder/other/lib/lib$part.so" "$folder/mine/lib/lib$part.so"
done
if "$2" -S "$1" -B "$folder/build" -DSLUICE_TORCH_ROOT="$folder/mine" >"$folder/log" 2>&1; then
  echo "the mix was taken"
  exit 1
fi
grep -q "Two LibTorchs are mixed" "$folder/log" || { cat "$folder/log"; exit 1; }
# Headers without libraries are not a LibTorch either.
rm "$folder/mine/lib/"*
if "$2" -S "$1" -B "$folder/build2" -DSLUICE_TORCH_ROOT="$folder/mine" >"$folder/log" 2>&1; then exit 1; fi
grep -q "has no lib" "$folder/log"
