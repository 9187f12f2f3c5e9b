#!/bin/sh
# SPDX-License-Identifier: MIT
# other_folders.sh SOURCE WORK VERSION: CMake and meson install the same tree into folders of the user's choice, too, and it
# works wherever it is moved to.
set -eu
source=$1 work=$2 version=$3
include=headers/c++ data=lib/architecture/data
rm -rf "$work"
cmake -S "$source" -B "$work/cmake" -DWAFER_BUILD_TESTS=OFF -DWAFER_BUILD_EXAMPLES=OFF -DCMAKE_INSTALL_INCLUDEDIR=$include \
    -DCMAKE_INSTALL_DATADIR=$data
cmake --build "$work/cmake"
cmake --install "$work/cmake" --prefix "$work/a" >"$work/installed"
meson setup --prefix "$work/b" --includedir $include --datadir $data "$work/meson" "$source"
meson install -C "$work/meson" --quiet
diff -r "$work/a" "$work/b"

mkdir "$work/moved"
mv "$work/a" "$work/moved/here"
found=$(PKG_CONFIG_PATH="$work/moved/here/$data/pkgconfig" pkg-config --variable=includedir wafer)
test -f "$found/wafer/llm.hpp"
cmake -S "$source/tests/package/find_package" -B "$work/find" -DWAFER_VERSION="$version" \
    -DCMAKE_PREFIX_PATH="$work/moved/here/$data/cmake"
