#!/usr/bin/env bash
# The README's embedding example is examples/embed_decision_engine.cpp, word for word, and the plug-in in docs/imported_networks.md the one that
# the tests load: readme.sh SOURCE
set -euo pipefail
diff <(awk '/^```cpp$/ { on = 1; next } /^```$/ { if (on) exit } on' "$1/README.md") "$1/examples/embed_decision_engine.cpp"
diff <(awk '/^```c$/ { on = 1; next } /^```$/ { if (on) exit } on' "$1/docs/imported_networks.md") "$1/tests/dnn/plugins/linear.c"
