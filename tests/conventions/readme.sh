#!/usr/bin/env bash
# Code in documents is the code that the tests build: the README's first C++ block is examples/decide_one.cpp, and the
# plug-in in docs/imported_networks.md is tests/dnn/plugins/linear.c. Usage: readme.sh SOURCE
set -euo pipefail
diff <(awk '/^```cpp$/ { on = 1; next } /^```$/ { if (on) exit } on' "$1/README.md") "$1/examples/decide_one.cpp"
diff <(awk '/^```c$/ { on = 1; next } /^```$/ { if (on) exit } on' "$1/docs/imported_networks.md") "$1/tests/dnn/plugins/linear.c"
