#!/bin/sh
# SPDX-License-Identifier: MIT
# meson_install.sh SOURCE WORK OTHER: installs SOURCE with meson below WORK/prefix, which must be what CMake put into OTHER.
set -eu
rm -rf "$2"
meson setup --prefix "$2/prefix" "$2/build" "$1"
meson install -C "$2/build" --quiet
find "$2/prefix" -type f | wc -l
diff -r "$3" "$2/prefix"
