#!/bin/sh
# SPDX-License-Identifier: MIT
# same_code.sh A B: the objects A/single_header.o and B/single_header.o, made from the single header and from the tree, have the
# same kernels, instruction by instruction, and both programs chose the same ones: so they are equally fast.
set -eu
for side in "$1" "$2"; do
    # One line for each function: its name, then its instructions without addresses and names of constants.
    objdump -d --no-show-raw-insn --no-addresses "$side/single_header.o" |
        sed -E 's/^<(.*)>:$/\n\1/; s/<[^>]*>//g; s/0x[0-9a-f]+\(%rip\)/(%rip)/g; s/^[[:space:]]+//' |
        awk 'BEGIN { RS = ""; FS = "\n" } $1 ~ /^_Z.*4simd[0-9]+t_/ { line = $1; for (i = 2; i <= NF; ++i) line = line ";" $i; print line }' |
        LC_ALL=C sort > "$side/kernels"
    sed -nE 's/.*, (.* kernels), .*/\1/p' "$side/said" > "$side/chosen"
done
test -s "$1/chosen"
cmp "$1/chosen" "$2/chosen"
test "$(wc -l < "$1/kernels")" -gt 50
cmp "$1/kernels" "$2/kernels"
echo "$(wc -l < "$1/kernels") functions are the same; both run $(cat "$1/chosen")"
