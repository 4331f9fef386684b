#!/usr/bin/env bash
# Objects compiled for one instruction set define no function that the linker could share: kernel_objects.sh BUILD
# A shared one (an inline function of a header) would be taken from any object, and run on processors that lack its instructions.
set -euo pipefail
n=0
while read -r object; do
  n=$((n + 1))
  if nm -C "$object" | grep -E ' [WuV] ' | grep -v 'DW.ref.__gxx_personality_v0'; then
    echo "$object shares these"
    exit 1
  fi
done < <(find "$1" -path '*sluice_*' \( -name '*_avx2.cpp.o' -o -name '*_avx512.cpp.o' -o -name '*_avx512_vbmi.cpp.o' -o -name '*_avx512_bf16.cpp.o' \))
[ "$n" -ge 5 ] || { echo "only $n objects were found"; exit 1; }
