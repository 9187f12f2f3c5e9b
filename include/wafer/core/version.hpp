// SPDX-License-Identifier: MIT
// L0 core: the version. CMake reads it here; meson, which cannot before its project(), checks its own.
#pragma once

#define WAFER_VERSION_MAJOR 0
#define WAFER_VERSION_MINOR 1
#define WAFER_VERSION_PATCH 0
#define WAFER_VERSION_STRING "0.1.0"
