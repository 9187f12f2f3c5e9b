#!/bin/sh
# SPDX-License-Identifier: MIT
# compare.sh OBJECT: fails unless the kernels metered with cost::none and the bare ones in OBJECT are the same instructions,
# with the same relocations, function by function. Names are made equal first: namespaces and the numbers of lambdas go.
set -e
listing=$(mktemp)
trap 'rm -f "$listing" "$listing".bare "$listing".metered' EXIT
${OBJDUMP:-objdump} -drC --no-show-raw-insn "$1" > "$listing"
select_functions() {
    awk -v want="$1" '
        /^[0-9a-f]+ <.*>:$/ { ours = /(rms_norm|matmul_add)</; kind = /bare::/ ? "bare" : "metered"; name = substr($0, index($0, "<")); next }
        ours && kind == want && /^[ \t]/ { print name "\t" $0 }' "$listing" |
        sed -E 's/wafer::v[0-9a-z_]*:://g; s/bare:://g; s/#[0-9]+\}/#}/g; s/\.(text|gcc_except_table|rodata)[.A-Za-z0-9_]*/.\1/g; s/ [0-9a-f]+ </ </g' |
        LC_ALL=C sort -s -t "$(printf '\t')" -k1,1
}
select_functions bare > "$listing".bare
select_functions metered > "$listing".metered
count=$(wc -l < "$listing".bare)
if [ "$count" -lt 100 ]; then
    echo "only $count instructions found: nothing was compared"
    exit 1
fi
diff "$listing".bare "$listing".metered
echo "$count lines of machine code are the same with and without metering"
