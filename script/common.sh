# shellcheck shell=bash disable=SC2034  # what it sets is used by those that source it
# Shared by the scripts: where the project is, what it needs, how it is built. Sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit
export CCACHE_BASEDIR=$root  # paths below it count as relative: one build's objects serve another, and another clone's

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Debian's packages; everything the default build, the tests and the demo need.
packages="g++ cmake ninja-build ccache nlohmann-json3-dev libcli11-dev catch2 libcsv-dev libfast-float-dev libflatbuffers-dev
          libre2-dev libssl-dev libsqlite3-dev zlib1g-dev libvalijson-dev libxgboost-dev libopenblas0-pthread"

# What the address sanitizer and the fuzzers are built with.
clang="clang-14 libclang-rt-14-dev"

# The LibTorch to build with: LIBTORCH=dir, or the one of an importable Python torch, or Debian's (empty).
torch_root() {
  if [ -n "${LIBTORCH:-}" ]; then
    [ -d "$LIBTORCH/include" ] || fail "LIBTORCH=$LIBTORCH has no include folder"
    echo "$LIBTORCH"
  elif [ -z "${SLUICE_SYSTEM_TORCH:-}" ]; then
    python3 -c 'import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0] if s else "")' 2>/dev/null || true
  fi
}

configure() { # configure PRESET [cmake options]
  local preset=$1
  shift
  local torch
  torch=$(torch_root)
  cmake --preset "$preset" "-DSLUICE_TORCH_ROOT=$torch" "$@" >"build-$preset.log" 2>&1 || { cat "build-$preset.log" >&2; fail "configuring $preset failed"; }
  mkdir -p "build/$preset"
  mv "build-$preset.log" "build/$preset/configure.log"
}

build() { cmake --build "build/$1" -- "${@:2}"; } # build PRESET [targets]
