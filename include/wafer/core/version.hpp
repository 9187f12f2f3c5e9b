// SPDX-License-Identifier: MIT
// L0 core: the one place that knows the version. CMake and meson read it from here.
#pragma once

#define WAFER_VERSION_MAJOR 0
#define WAFER_VERSION_MINOR 1
#define WAFER_VERSION_PATCH 0
#define WAFER_VERSION_STRING "0.1.0"
