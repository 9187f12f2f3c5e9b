#!/bin/sh
# SPDX-License-Identifier: MIT
# abi.sh COMPILER INCLUDE: translation units whose -m flags change the code of inline functions have different names for them.
set -eu
level() { printf '#include <wafer/core/config.hpp>\nWAFER_ABI\n' | $compiler -std=c++20 -I"$include" "$@" -E -P -x c++ - | tail -1; }
compiler=$1
include=$2
wide="-mavx512f -mavx512cd -mavx512bw -mavx512dq -mavx512vl"
names=$({
    level; level -DWAFER_USE_XSIMD=0; level -DWAFER_DISPATCH=0; level -fno-exceptions
    for flag in sse3 ssse3 sse4.1 sse4.2 avx fma avx2 avx512f; do level -m$flag; done
    # shellcheck disable=SC2086
    { level -mavx2 -mfma; level $wide; level $wide -mavx512vnni; }
})
echo "$names"
test "$(echo "$names" | grep -c '^v[0-9]')" -eq 15
test -z "$(echo "$names" | sort | uniq -d)"
