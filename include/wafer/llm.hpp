// SPDX-License-Identifier: MIT
// wafer: run open-weight language models inside your program, and know what every token would cost elsewhere.
// The list of everything, bottom to top.
#pragma once

#include <wafer/fwd.hpp>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/dtype.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/half.hpp>
#include <wafer/core/human.hpp>
#include <wafer/core/json.hpp>
#include <wafer/core/system.hpp>
#include <wafer/core/table.hpp>
#include <wafer/core/units.hpp>
#include <wafer/core/version.hpp>

#include <wafer/simd/kernels.hpp>

#include <wafer/text/chat_template.hpp>
#include <wafer/text/think.hpp>
#include <wafer/text/tokenizer.hpp>

#include <wafer/tensor/block.hpp>
#include <wafer/tensor/pack.hpp>
#include <wafer/tensor/shape.hpp>

#include <wafer/io/gguf.hpp>
#include <wafer/io/open.hpp>

#include <wafer/sram/arena.hpp>
#include <wafer/sram/mesh.hpp>
#include <wafer/sram/placement.hpp>
#include <wafer/sram/residency.hpp>

#include <wafer/cost/devices.hpp>
#include <wafer/cost/gpu.hpp>
#include <wafer/cost/meter.hpp>
#include <wafer/cost/policy.hpp>
#include <wafer/cost/print.hpp>
#include <wafer/cost/report.hpp>
#include <wafer/cost/wafer.hpp>

#include <wafer/exec/context.hpp>
#include <wafer/exec/pool.hpp>

#include <wafer/kernel/attention.hpp>
#include <wafer/kernel/embed.hpp>
#include <wafer/kernel/feed_forward.hpp>
#include <wafer/kernel/matmul.hpp>
#include <wafer/kernel/rope.hpp>
#include <wafer/kernel/route.hpp>

#include <wafer/model/architectures.hpp>
#include <wafer/model/network.hpp>
#include <wafer/model/sequence.hpp>

#include <wafer/gen/model.hpp>
#include <wafer/gen/plan.hpp>
#include <wafer/gen/sampler.hpp>
#include <wafer/gen/session.hpp>
