#!/bin/sh
# SPDX-License-Identifier: MIT
# headers_alone.sh COMPILER INCLUDE JOBS: every header below INCLUDE compiles by itself, without a warning.
set -eu
cd "$2"
export COMPILER="$1 -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Werror -I. -x c++ -"
# shellcheck disable=SC2016
find wafer -name '*.hpp' | LC_ALL=C sort |
    xargs -P "$3" -I{} sh -c 'echo "#include <{}>" | $COMPILER || { echo "{} does not stand alone"; exit 1; }'
