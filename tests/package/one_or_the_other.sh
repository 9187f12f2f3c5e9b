#!/bin/sh
# SPDX-License-Identifier: MIT
# one_or_the_other.sh COMPILER SINGLE TREE: the single header and a header of the tree in one file end in one clear error,
# whichever is first.
set -eu
for files in "$2/wafer/llm.hpp $3/wafer/llm.hpp" "$2/wafer/llm.hpp $3/wafer/text/tokenizer.hpp" \
    "$3/wafer/llm.hpp $2/wafer/llm.hpp" "$3/wafer/core/error.hpp $2/wafer/llm.hpp"; do
    # shellcheck disable=SC2086
    if said=$(printf '#include "%s"\n' $files | LC_ALL=C $1 -std=c++20 -I"$3" -fsyntax-only -x c++ - 2>&1); then
        echo "compiled: $files"
        exit 1
    fi
    echo "$said"
    # The second is the file that is nowhere, and ends it.
    test "$(echo "$said" | grep -c 'error: ')" -eq 2
    echo "$said" | grep -q 'error: .*wafer: this file includes .*: include one or the other'
    echo "$said" | grep -q 'fatal error: .*wafer_stops_here'
done
