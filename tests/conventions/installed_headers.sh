#!/usr/bin/env bash
# Installed headers include the standard library and Sluice, and nothing else: installed_headers.sh BUILD
set -euo pipefail
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$1" --prefix "$prefix" >/dev/null
n=$(find "$prefix/include" -name '*.h' | wc -l)
[ "$n" -ge 30 ] || { echo "only $n headers are installed"; exit 1; }
# A standard header has neither a dot nor a slash in its name.
if grep -rnE '^ *# *include' "$prefix/include" | grep -vE '#include (<[a-z_0-9]+>|["<]sluice/[a-z_/0-9]+\.h[">])'; then
  echo "these includes lead outside"
  exit 1
fi
# What a header includes must be installed too.
grep -rhoE 'sluice/[a-z_/0-9]+\.h' "$prefix/include" | sort -u | while read -r header; do
  [ -f "$prefix/include/$header" ] || { echo "$header is included and not installed"; exit 1; }
done
