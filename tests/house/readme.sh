#!/usr/bin/env bash
# The README's embedding example is examples/embed_decision_engine.cpp, word for word: readme.sh SOURCE
set -euo pipefail
diff <(awk '/^```cpp$/ { on = 1; next } /^```$/ { if (on) exit } on' "$1/README.md") "$1/examples/embed_decision_engine.cpp"
