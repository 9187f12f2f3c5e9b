// SPDX-License-Identifier: MIT
// L1 text/jinja: walks a parsed template. Bounded by runtime's limits whatever it walks.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/text/jinja/ast.hpp>
#include <wafer/text/jinja/evaluator.hpp>
#include <wafer/text/jinja/runtime.hpp>
#include <wafer/text/jinja/value.hpp>

namespace wafer::inline WAFER_ABI::jinja {

/// Renders one template once.
class interpreter final : private evaluator {
public:
    interpreter(std::string_view source, const limits& bounds, std::chrono::sys_seconds now,
                const value_dict& variables, const stop_signal* stop)
        : evaluator(source, bounds, now, variables, stop) {}

    /// @throws error{errc::template_failed} with line and column.
    std::string run(const block& program) {
        run_block(program);
        return std::move(out_);
    }

private:
    // What a statement list ended with.
    enum class flow : std::uint8_t { next, break_loop, continue_loop };

    void print(std::string_view text) {
        rt_.charge(text.size());
        out_ += text;
    }
    // What a block prints, instead of printing it.
    template <class Body>
    std::string capture(const Body& body) {
        std::string outer = std::exchange(out_, {});
        body();
        return std::exchange(out_, std::move(outer));
    }

    flow run_block(const block& body) {
        for (const statement& s : body)
            if (const flow f = run_statement(s); f != flow::next) return f;
        return flow::next;
    }

    flow run_statement(const statement& s) {
        const depth_guard guard = enter(s.offset);
        switch (s.kind) {
            case statement_kind::text: print(s.name); break;
            case statement_kind::output: print(rt_.print(evaluate(s.first))); break;
            case statement_kind::if_else: return run_if(s);
            case statement_kind::for_loop: return run_loop(s, evaluate(s.first), last_frame(), 1);
            case statement_kind::set: run_set(s); break;
            case statement_kind::set_block:
            case statement_kind::filter_block: return run_captured(s);
            case statement_kind::with_block: return run_with(s);
            case statement_kind::macro: set(s.name, &s); break;
            case statement_kind::call_block: print(rt_.print(call(*s.first, &s))); break;
            case statement_kind::break_loop: return flow::break_loop;
            case statement_kind::continue_loop: return flow::continue_loop;
        }
        return flow::next;
    }

    flow run_if(const statement& s) {
        for (const branch& b : s.branches)
            if (!b.condition || evaluate(b.condition).truth()) return run_block(b.body);
        return flow::next;
    }

    void assign(const target& to, const value& v) {
        if (!to.member.empty()) return assign_member(to, v);
        if (to.parts.empty()) return set(to.name, v);
        const value_list parts = rt_.items(v);
        if (parts.size() != to.parts.size())
            rt_.fail("cannot unpack " + std::to_string(parts.size()) + " values into " +
                     std::to_string(to.parts.size()) + " variables");
        for (std::size_t i = 0; i < parts.size(); ++i) assign(to.parts[i], parts[i]);
    }
    void assign_member(const target& to, const value& v) {
        const value space = look_up(to.name);
        if (!space.is(value::kind::name_space))
            rt_.fail("cannot set an attribute of " + runtime::describe(space) + "; only of a namespace");
        rt_.put(space.as_name_space().members, to.member, v);
    }

    // What the body breaks or continues is this loop; what the else does is the loop around.
    flow run_loop(const statement& s, value items, std::size_t home, int level) {
        if (!items.is(value::kind::list)) items = rt_.make(rt_.items(items));
        if (s.second) {
            value_list kept;
            for (const value& item : items.as_list()) {
                rt_.spend(1);
                const frame_guard leave = enter_frame(home);
                assign(s.to, item);
                if (evaluate(s.second).truth()) kept.push_back(item);
            }
            items = rt_.make(std::move(kept));
        }
        if (items.as_list().empty()) return run_block(s.otherwise);
        const auto loop = std::make_shared<loop_state>(std::move(items));
        loop->home = home;
        loop->level = level;
        if (s.recursive) loop->source = &s;
        for (; loop->index < loop->items().size(); ++loop->index) {
            rt_.spend(1);
            const frame_guard leave = enter_frame(home);
            set("loop", std::shared_ptr<const loop_state>(loop));
            assign(s.to, loop->items()[loop->index]);
            if (run_block(s.body) == flow::break_loop) break;
        }
        return flow::next;
    }

    value call_loop(const loop_state& loop, const value& items) override {
        // A loop that has ended may have lost its frame.
        if (loop.source == nullptr || loop.home >= frames_.size()) rt_.fail("the loop is not recursive");
        return rt_.make(capture([&] { (void)run_loop(*loop.source, items, loop.home, loop.level + 1); }));
    }

    void run_set(const statement& s) {
        const value v = evaluate(s.first);
        rt_.move_to(s.offset);
        assign(s.to, v);
    }

    // What a block prints goes through its filters into a variable, or is printed. Jinja2 drops it where the block leaves
    // the loop around.
    flow run_captured(const statement& s) {
        value text;
        {
            const frame_guard leave = enter_frame(last_frame());
            flow end = flow::next;
            text = rt_.make(capture([&] { end = run_block(s.body); }));
            if (end != flow::next) return end;
            if (s.first) {
                set("", std::move(text));  // the name under which the parser put the filters' operand
                text = evaluate(s.first);
            }
        }
        rt_.move_to(s.offset);
        if (s.kind == statement_kind::set_block) assign(s.to, text);
        else print(rt_.print(text));
        return flow::next;
    }

    flow run_with(const statement& s) {
        value_list values;  // all of them belong to the scope outside
        for (const auto& assigned : s.parameters) values.push_back(evaluate(assigned.second));
        const frame_guard leave = enter_frame(last_frame());
        for (std::size_t i = 0; i < values.size(); ++i) set(s.parameters[i].first, std::move(values[i]));
        return run_block(s.body);
    }

    value call_macro(const statement& macro, const arguments& in, const statement* around) override {
        const std::size_t n = macro.parameters.size();
        if (in.positional.size() > n && !macro.takes_varargs)
            rt_.fail("macro '" + macro.name + "' takes at most " + std::to_string(n) + " arguments");
        rt_.spend(1 + n * in.named.size() / 4);  // looks each name up
        value_dict others;
        for (const auto& [name, item] : in.named) {
            std::size_t known = 0;
            while (known < n && macro.parameters[known].first != name) ++known;
            if (known < n) continue;
            if (!macro.takes_kwargs)
                rt_.fail("macro '" + macro.name + "' has no parameter '" + std::string(name) + "'");
            others.emplace_back(name, item);
        }
        const frame_guard leave = enter_frame(home_of(macro));
        for (std::size_t i = 0; i < n; ++i) {
            const auto& [name, otherwise] = macro.parameters[i];
            const value* given = in.find(i, name);
            set(name, given != nullptr ? *given : otherwise ? evaluate(otherwise) : value(undefined{name}));
        }
        const auto rest = static_cast<std::ptrdiff_t>(std::min(n, in.positional.size()));
        if (macro.takes_varargs)
            set("varargs", rt_.make_tuple(value_list(in.positional.begin() + rest, in.positional.end())));
        if (macro.takes_kwargs) set("kwargs", rt_.make(std::move(others)));
        set("caller", around != nullptr ? value(around) : value(undefined{"caller"}));  // not one from outside
        return rt_.make(capture([&] { run_block(macro.body); }));
    }

    std::string out_;
};

}  // namespace wafer::inline WAFER_ABI::jinja
