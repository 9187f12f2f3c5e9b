// SPDX-License-Identifier: MIT
// L1 text/jinja: statements, and so whole templates. Nesting is bounded, so that none can exhaust the stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/text/jinja/ast.hpp>
#include <wafer/text/jinja/expression_parser.hpp>
#include <wafer/text/jinja/lexer.hpp>

namespace wafer::inline WAFER_ABI::jinja {

/// Reads a template. For one use.
class parser : private expression_parser {
public:
    static constexpr int max_nesting = 64;  // of statements

    explicit parser(std::string_view source) : expression_parser(source) {}

    /// @throws error{errc::bad_template} with line and column.
    block run() { return parse_block({}); }

private:
    // Statements up to one of these keywords, whose tag is left open after the keyword; or up to the end.
    block parse_block(std::initializer_list<std::string_view> until) {
        if (nesting_ >= max_nesting) fail("blocks are nested more than " + std::to_string(max_nesting) + " deep");
        const nesting_guard guard{++nesting_};
        block out;
        while (now().kind != token_kind::end) {
            const std::uint32_t offset = now().offset;
            if (now().kind == token_kind::text) {
                out.push_back({.kind = statement_kind::text, .offset = offset, .name = take().text});
            } else if (now().kind == token_kind::output_begin) {
                ++at_;
                out.push_back({.kind = statement_kind::output, .offset = offset, .first = parse_tuple()});
                expect(token_kind::output_end, "\"}}\"");
            } else {
                ++at_;  // a block begins: the lexer makes nothing else here
                if (is_one(now(), token_kind::name, until)) return out;
                parse_statement(out, offset);
            }
        }
        if (until.size() != 0) fail("missing \"" + std::string(*(until.end() - 1)) + "\"");
        return out;
    }

    void end_tag() { expect(token_kind::block_end, "\"%}\""); }
    void end_tag(std::string_view keyword) {
        if (!take_name(keyword)) fail("expected \"" + std::string(keyword) + "\"");
        end_tag();
    }

    void parse_statement(block& out, std::uint32_t offset) {
        const std::string keyword = expect_name("a statement");
        if (keyword == "if") return out.push_back(parse_if(offset));
        if (keyword == "for") return out.push_back(parse_for(offset));
        if (keyword == "set") return out.push_back(parse_set(offset));
        if (keyword == "macro") return out.push_back(parse_macro(offset));
        if (keyword == "call") return out.push_back(parse_call(offset));
        if (keyword == "filter") return out.push_back(parse_filter(offset));
        // generation marks what the model writes, for training: it counts as it stands.
        if (keyword == "with" || keyword == "generation") return out.push_back(parse_with(offset, "end" + keyword));
        if (keyword == "break" || keyword == "continue") {
            if (loops_ == 0) fail("\"" + keyword + "\" outside a loop");
            out.push_back({.kind = keyword == "break" ? statement_kind::break_loop : statement_kind::continue_loop,
                           .offset = offset});
            return end_tag();
        }
        --at_;
        fail("unknown statement \"" + keyword +
             "\"; known are if, for, set, macro, call, filter, with, break, continue, generation and raw");
    }

    statement parse_if(std::uint32_t offset) {
        statement out{.kind = statement_kind::if_else, .offset = offset};
        do {
            expression_ptr condition = parse_tuple();
            end_tag();
            out.branches.push_back({std::move(condition), parse_block({"elif", "else", "endif"})});
        } while (take_name("elif"));
        if (take_name("else")) {
            end_tag();
            out.branches.push_back({nullptr, parse_block({"endif"})});
        }
        end_tag("endif");
        return out;
    }

    statement parse_for(std::uint32_t offset) {
        statement out{.kind = statement_kind::for_loop, .offset = offset};
        out.to = parse_targets();
        if (!take_name("in")) fail("expected \"in\"");
        out.first = parse_tuple(false);  // an `if` here filters the loop
        if (take_name("if")) out.second = parse_expression();
        out.recursive = take_name("recursive");
        end_tag();
        ++loops_;
        out.body = parse_block({"else", "endfor"});
        --loops_;
        if (take_name("else")) {
            end_tag();
            out.otherwise = parse_block({"endfor"});
        }
        end_tag("endfor");
        return out;
    }

    target parse_target() {
        target out;
        if (take_symbol("(")) {
            out = parse_targets();
            expect_symbol(")");
            return out;
        }
        out.name = expect_name("a variable name");
        if (take_symbol(".")) out.member = expect_name("an attribute name");
        return out;
    }

    // One, or several separated by commas, which take a value apart.
    target parse_targets() {
        if (nesting_ >= max_nesting) fail("targets are nested more than " + std::to_string(max_nesting) + " deep");
        const nesting_guard guard{++nesting_};
        target first = parse_target();
        if (!at_symbol(",")) return first;
        target out;
        out.parts.push_back(std::move(first));
        while (take_symbol(",") && !at_symbol(")")) out.parts.push_back(parse_target());
        return out;
    }

    statement parse_set(std::uint32_t offset) {
        statement out{.kind = statement_kind::set, .offset = offset};
        out.to = parse_targets();
        if (take_symbol("=")) {
            out.first = parse_tuple();
            end_tag();
            return out;
        }
        if (!out.to.parts.empty()) fail("expected \"=\"");
        out.kind = statement_kind::set_block;
        if (at_symbol("|")) out.first = parse_block_filters();
        end_tag();
        out.body = parse_block({"endset"});
        end_tag("endset");
        return out;
    }

    statement parse_macro(std::uint32_t offset) {
        statement out{.kind = statement_kind::macro, .offset = offset};
        out.name = expect_name("the macro's name");
        parse_parameters(out);
        end_tag();
        const std::size_t begin = at_;
        out.body = parse_apart("endmacro");
        // As in Jinja: a macro takes further arguments if it mentions where they would be.
        out.takes_varargs = mentions(begin, "varargs");
        out.takes_kwargs = mentions(begin, "kwargs");
        if (now().kind == token_kind::name) ++at_;  // {% endmacro name %}
        end_tag();
        return out;
    }

    void parse_parameters(statement& out) {
        expect_symbol("(");
        while (!take_symbol(")")) {
            std::string name = expect_name("a parameter name");
            out.parameters.emplace_back(std::move(name), take_symbol("=") ? parse_expression() : nullptr);
            if (!at_symbol(")")) expect_symbol(",");
        }
    }

    // A body that runs elsewhere: a break inside must not leave it.
    block parse_apart(std::string_view end) {
        const int outer = std::exchange(loops_, 0);
        block out = parse_block({end});
        loops_ = outer;
        take_name(end);
        return out;
    }

    statement parse_call(std::uint32_t offset) {
        statement out{.kind = statement_kind::call_block, .offset = offset, .name = "caller"};
        if (at_symbol("(")) parse_parameters(out);
        out.first = parse_expression();
        if (out.first->kind != expression_kind::call) fail("expected the call of a macro");
        end_tag();
        out.body = parse_apart("endcall");
        end_tag();
        return out;
    }

    // {% filter f|g %} and {% set x | f %}: the filters apply to what the block prints.
    expression_ptr parse_block_filters() {
        auto body = make(expression_kind::variable);
        body->name = "";
        return parse_filters(std::move(body));
    }

    statement parse_filter(std::uint32_t offset) {
        statement out{.kind = statement_kind::filter_block, .offset = offset};
        auto first = make(expression_kind::filter);
        first->name = expect_name("a filter's name");
        adopt(*first, make(expression_kind::variable));
        if (at_symbol("(")) parse_arguments(*first);
        out.first = parse_filters(std::move(first));
        end_tag();
        out.body = parse_block({"endfilter"});
        end_tag("endfilter");
        return out;
    }

    statement parse_with(std::uint32_t offset, std::string_view end) {
        statement out{.kind = statement_kind::with_block, .offset = offset};
        while (now().kind == token_kind::name) {
            std::string name = take().text;
            expect_symbol("=");
            out.parameters.emplace_back(std::move(name), parse_expression());
            if (!take_symbol(",")) break;
        }
        end_tag();
        out.body = parse_block({end});
        end_tag(end);
        return out;
    }

    int nesting_ = 0, loops_ = 0;
};

}  // namespace wafer::inline WAFER_ABI::jinja
