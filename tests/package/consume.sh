#!/bin/sh
# SPDX-License-Identifier: MIT
# consume.sh HOW SOURCE PREFIX VERSION WORK: builds answer.cpp in WORK as a program that gets wafer in that way, from the
# tree in SOURCE or as installed below PREFIX, and asks it. wafer's headers must not add a warning to the user's own: under
# usual flags by themselves, under any where the build system knows whose they are.
set -eu
how=$1 source=$2 prefix=$3 version=$4 work=$5
here=$source/tests/package
export CXXFLAGS='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Werror'
case $how in
pkg_config | bare) ;;
*) CXXFLAGS="$CXXFLAGS -Wsign-conversion -Wuseless-cast -Wcast-align=strict -Wno-unknown-warning-option" ;;
esac
rm -rf "$work"
mkdir -p "$work"
case $how in
find_package | add_subdirectory | fetch_content)
    cmake -S "$here/$how" -B "$work" -DCMAKE_PREFIX_PATH="$prefix" -DWAFER_SOURCE="$source" -DWAFER_VERSION="$version"
    cmake --build "$work"
    ;;
pkg_config)
    export PKG_CONFIG_PATH="$prefix/share/pkgconfig"
    test "$(pkg-config --modversion wafer)" = "$version"
    # shellcheck disable=SC2046,SC2086
    ${CXX:-c++} -std=c++20 $CXXFLAGS "$here/answer.cpp" $(pkg-config --cflags --libs wafer) -o "$work/answer"
    ;;
meson)
    mkdir -p "$work/project/subprojects"
    cp "$here/meson/meson.build" "$here/answer.cpp" "$work/project"
    ln -s "$source" "$work/project/subprojects/wafer"
    meson setup "$work/build" "$work/project"
    meson compile -C "$work/build"
    mv "$work/build/answer" "$work"
    ;;
bare)
    # shellcheck disable=SC2086
    ${CXX:-c++} -std=c++20 $CXXFLAGS -I"$prefix/share/wafer/single_include" "$here/answer.cpp" -pthread -o "$work/answer"
    ;;
*)
    echo "consume.sh: no way called $how"
    exit 2
    ;;
esac
"$work/answer" "$source/examples/tiny_reasoner/tiny_reasoner.gguf" | tee "$work/said"
grep -q 42 "$work/said"
