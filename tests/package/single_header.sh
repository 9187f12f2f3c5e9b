#!/bin/sh
# SPDX-License-Identifier: MIT
# single_header.sh COMPILER XSIMD SOURCE INCLUDE WORK: compiles examples/single_header.cpp as its head says, and runs it.
# XSIMD 1 leaves it to the header, which finds xsimd on the path; 0 stands for a path without it.
set -eu
warnings='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Werror'
if [ "$2" = 0 ]; then xsimd=-DWAFER_USE_XSIMD=0; else xsimd=; fi
mkdir -p "$5"
# shellcheck disable=SC2086
$1 -std=c++20 -O2 -pthread $warnings $xsimd -I"$4" -c "$3/examples/single_header.cpp" -o "$5/single_header.o"
$1 -pthread "$5/single_header.o" -o "$5/single_header"
"$5/single_header" "$3/examples/tiny_reasoner/tiny_reasoner.gguf" | tee "$5/said"
grep -q 42 "$5/said"
