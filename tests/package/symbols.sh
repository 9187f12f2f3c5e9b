#!/bin/sh
# SPDX-License-Identifier: MIT
# symbols.sh OBJECT OWN: every name that OBJECT defines for other objects is in wafer, std or xsimd, or matches OWN. (DW.ref.* are the
# compiler's references to what is thrown and caught; two operators are those of <new>.)
set -eu
nm --defined-only --extern-only --format=posix "$1" | cut -d' ' -f1 > "$1.names"
test "$(wc -l < "$1.names")" -gt 500
if grep -vE "^_Z(T[VTSI]|GV|GR|Z|ZT[VTSI])*(N[KVrRO]*)?(5wafer|S[tabsiod]|9__gnu_cxx|5xsimd)|$2|^_Z(nwmPv|dlPvS_)$|^DW\\.ref\\." "$1.names"; then exit 1; fi
echo "$(wc -l < "$1.names") names, all of them in a namespace"
