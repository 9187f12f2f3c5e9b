// SPDX-License-Identifier: MIT
// L0 core: JSON, read from files and written for reports. Knows nothing of what the values mean.
#pragma once

#include <wafer/core/json_parser.hpp>
#include <wafer/core/json_value.hpp>
#include <wafer/core/json_writer.hpp>
