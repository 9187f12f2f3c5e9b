// SPDX-License-Identifier: MIT
// L1 text/grammar: a grammar compiled to a graph over bytes. compiler.hpp makes it, automaton.hpp walks it.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// An index into program::nodes.
using node_id = std::uint32_t;

/// What is done at a node.
enum class node_kind : std::uint8_t {
    bytes,   // reads one byte of set `arg`, then goes to `next`
    either,  // goes to `next` and to `arg`
    call,    // matches rule `arg`, then goes to `next`
    end,     // returns to the caller of its rule
    accept,  // the whole text may end here
    none,    // nothing can match
};

/// One step of a rule. What `next` and `arg` mean is the kind's to say.
struct node {
    node_kind kind = node_kind::none;
    node_id next = 0;
    std::uint32_t arg = 0;
};

/// Bit b: byte b is in it.
using byte_set = std::bitset<256>;

/// What only compile() makes, and guarantees: every node that can be reached from the root can still reach `accept`, and rules are
/// ordered such that one which calls another before it has read a byte comes before it. Const, and shared by threads.
struct program {
    program(const program&) = delete;
    program& operator=(const program&) = delete;

    struct entry {
        node_id first;
        bool nullable;  // it also matches the empty text
    };
    /// Copies of one thing that reads at least a byte, `stride` nodes each, from the last to the first.
    struct copies {
        node_id begin;
        std::uint32_t stride, count;
    };
    static constexpr node_id accept = 0;
    static constexpr std::uint32_t many_copies = 64;

    std::vector<node> nodes;
    std::vector<byte_set> sets;
    std::vector<entry> rules;
    std::vector<copies> repeats;  // those of many_copies and more, in the order of their nodes
    std::uint32_t root = 0;
    /// Bytes that no set tells apart are of one class.
    std::array<std::uint8_t, 256> class_of{};
    /// One byte of each class.
    std::vector<std::uint8_t> representatives;

    /// A node from which the next `bytes` bytes are read as from this one: among copies, one with just enough to come.
    [[nodiscard]] node_id shortened(node_id id, std::size_t bytes) const noexcept {
        for (const copies& c : repeats) {
            if (id < c.begin || id >= c.begin + c.stride * c.count) continue;
            const node_id copy = (id - c.begin) / c.stride;
            if (copy > bytes + 2) return id - static_cast<node_id>(copy - (bytes + 2)) * c.stride;
        }
        return id;
    }

    [[nodiscard]] bool reads(const node& n, std::uint8_t byte_class) const noexcept {
        return sets[n.arg][representatives[byte_class]];
    }

private:
    friend class compiler;
    program() = default;
};

}  // namespace wafer::inline WAFER_ABI::grammar
