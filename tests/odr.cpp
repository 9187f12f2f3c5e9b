// SPDX-License-Identifier: MIT
#include <wafer/llm.hpp>
