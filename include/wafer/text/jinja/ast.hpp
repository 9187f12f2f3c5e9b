// SPDX-License-Identifier: MIT
// L1 text/jinja: a parsed template. Plain data, made by parser.hpp and walked by interpreter.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/text/jinja/value.hpp>

namespace wafer::inline WAFER_ABI::jinja {

struct expression;
using expression_ptr = std::unique_ptr<const expression>;

enum class expression_kind : std::uint8_t {
    constant,     // literal
    variable,     // name
    list,         // operands
    tuple,        // operands
    dict,         // operands: key, value, key, value, ...
    unary,        // name: "not", "-", "+"; operands: x
    binary,       // name: arithmetic, "~", "and", "or"; operands: x, y
    comparison,   // x op y op z ...; operators beside operands
    conditional,  // operands: value, condition, otherwise (may be null)
    attribute,    // operands[0].name
    subscript,    // operands[0][operands[1]]
    slice,        // operands: sequence, start, stop, step (the last three may be null)
    call,         // operands: callee, then the positional arguments
    filter,       // operands[0] | name(arguments)
    test,         // operands[0] is name(arguments)
};

/// One node of an expression; which members mean something depends on its kind, as noted there.
struct expression {
    expression_kind kind;
    std::uint32_t offset = 0;  // into the source
    std::string name;
    value literal;
    std::vector<expression_ptr> operands;
    std::vector<std::string> operators;
    std::vector<std::pair<std::string, expression_ptr>> named;  // keyword arguments, in their places "*" and "**"
    int height = 1;                                             // of the tree: bounded, since walks recurse
};

enum class statement_kind : std::uint8_t {
    text,          // name
    output,        // first
    if_else,       // branches
    for_loop,      // target in first, if second; body, otherwise; recursive
    set,           // target = first
    set_block,     // target = what body prints
    filter_block,  // first, a filter's expression, of what body prints
    with_block,    // parameters = expressions, for body only
    macro,         // name(parameters); body
    call_block,    // first, a call of a macro, whose caller(parameters) prints body; name: "caller"
    break_loop,
    continue_loop,
};

/// What a value is assigned to: a variable, a member of the namespace in a variable, or targets for its elements.
struct target {
    std::string name{}, member{};
    std::vector<target> parts{};
};

struct statement;
using block = std::vector<statement>;

struct branch {
    expression_ptr condition;  // null for else
    block body;
};

/// One statement; which members mean something depends on its kind, as noted there.
struct statement {
    statement_kind kind;
    std::uint32_t offset = 0;
    std::string name{};
    target to{};
    expression_ptr first{}, second{};
    block body{}, otherwise{};
    std::vector<branch> branches{};
    std::vector<std::pair<std::string, expression_ptr>> parameters{};  // with their defaults, or null
    bool recursive = false;                                            // of for: its body may call loop(items)
    bool takes_varargs = false, takes_kwargs = false;                  // of macro: its body asks for further arguments
};

}  // namespace wafer::inline WAFER_ABI::jinja
