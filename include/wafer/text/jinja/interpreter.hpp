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
                const value_dict& variables)
        : evaluator(source, bounds, now, variables) {}

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
            case statement_kind::for_loop: run_for(s); break;
            case statement_kind::set: run_set(s); break;
            case statement_kind::set_block: set(s.targets.front(), filtered(s)); break;
            case statement_kind::filter_block: print(rt_.print(filtered(s))); break;
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

    void assign(const statement& s, const value& v) {
        if (s.targets.size() == 1) return set(s.targets.front(), v);
        const value_list parts = rt_.items(v);
        if (parts.size() != s.targets.size())
            rt_.fail("cannot unpack " + std::to_string(parts.size()) + " values into " +
                     std::to_string(s.targets.size()) + " variables");
        for (std::size_t i = 0; i < parts.size(); ++i) set(s.targets[i], parts[i]);
    }

    void run_for(const statement& s) { run_loop(s, evaluate(s.first), last_frame(), 1); }

    void run_loop(const statement& s, const value& sequence, std::size_t home, int level) {
        value_list items = rt_.items(sequence);
        if (s.second) {
            value_list kept;
            for (value& item : items) {
                const frame_guard leave = enter_frame(home);
                assign(s, item);
                if (evaluate(s.second).truth()) kept.push_back(std::move(item));
            }
            items = std::move(kept);
        }
        if (items.empty()) {
            run_block(s.otherwise);
            return;
        }
        const auto loop = std::make_shared<loop_state>(std::move(items));
        loop->home = home;
        loop->level = level;
        if (s.recursive) loop->source = &s;
        for (; loop->index < loop->items.size(); ++loop->index) {
            rt_.spend(1);
            const frame_guard leave = enter_frame(home);
            set("loop", std::shared_ptr<const loop_state>(loop));
            assign(s, loop->items[loop->index]);
            if (run_block(s.body) == flow::break_loop) break;
        }
    }

    value call_loop(const loop_state& loop, const value& items) override {
        // A loop that has ended may have lost its frame.
        if (loop.source == nullptr || loop.home >= frames_.size()) rt_.fail("the loop is not recursive");
        return rt_.make(capture([&] { run_loop(*loop.source, items, loop.home, loop.level + 1); }));
    }

    void run_set(const statement& s) {
        value v = evaluate(s.first);
        if (s.member.empty()) return assign(s, v);
        const value target = look_up(s.targets.front());
        rt_.move_to(s.offset);
        if (!target.is(value::kind::name_space))
            rt_.fail("cannot set an attribute of " + runtime::describe(target) + "; only of a namespace");
        value_dict& members = target.as_name_space().members;
        rt_.spend(members.size() / 8);
        const auto known = std::ranges::find(members, s.member, &value_dict::value_type::first);
        if (known != members.end()) known->second = std::move(v);
        else members.emplace_back(s.member, std::move(v));
    }

    // What a block prints, through its filters.
    value filtered(const statement& s) {
        const frame_guard leave = enter_frame(last_frame());
        value text = rt_.make(capture([&] { run_block(s.body); }));
        if (!s.first) return text;
        set("", std::move(text));  // the name under which the parser put the filters' operand
        return evaluate(s.first);
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
        value_dict others;
        for (const auto& [name, item] : in.named) {
            if (std::ranges::find(macro.parameters, name, [](const auto& p) { return std::string_view(p.first); }) !=
                macro.parameters.end())
                continue;
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
            set("varargs", rt_.make(value_list(in.positional.begin() + rest, in.positional.end())));
        if (macro.takes_kwargs) set("kwargs", std::move(others));
        set("caller", around != nullptr ? value(around) : value(undefined{"caller"}));  // not one from outside
        return rt_.make(capture([&] { run_block(macro.body); }));
    }

    std::string out_;
};

}  // namespace wafer::inline WAFER_ABI::jinja
