// SPDX-License-Identifier: MIT
// L1 text/jinja: values of expressions, with the scoping rules of Jinja2. Bounded by runtime's limits whatever it walks.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/text/jinja/ast.hpp>
#include <wafer/text/jinja/filters.hpp>
#include <wafer/text/jinja/functions.hpp>
#include <wafer/text/jinja/methods.hpp>
#include <wafer/text/jinja/operators.hpp>
#include <wafer/text/jinja/runtime.hpp>
#include <wafer/text/jinja/tests.hpp>
#include <wafer/text/jinja/value.hpp>

namespace wafer::inline WAFER_ABI::jinja {

/// Evaluates expressions; interpreter adds the statements around them, which macros and recursive loops lead back to.
class evaluator {
protected:
    // Loops, macros and blocks have a frame each.
    struct frame {
        std::map<std::string, value, std::less<>> variables{};
        std::size_t parent = 0;  // where a look-up goes on
        std::size_t caller = 0;  // the frame that was the last when this one was made
    };
    struct frame_guard {
        std::vector<frame>& frames;
        ~frame_guard() { frames.pop_back(); }
    };
    struct depth_guard {
        int& depth;
        ~depth_guard() { --depth; }
    };

    evaluator(std::string_view source, const limits& bounds, std::chrono::sys_seconds now, const value_dict& variables,
              const stop_signal* stop)
        : rt_(source, grown(bounds, variables), now, stop), max_depth_(bounds.depth) {
        frames_.emplace_back();
        for (const auto& [name, item] : variables) set(name.as_string(), item);
    }
    ~evaluator() = default;

    /// What a macro prints; `around`: the call statement, for its caller().
    virtual value call_macro(const statement& macro, const arguments& in, const statement* around) = 0;
    /// What a recursive loop prints for other items.
    virtual value call_loop(const loop_state& loop, const value& items) = 0;

    [[nodiscard]] frame_guard enter_frame(std::size_t parent) {
        const std::size_t caller = last_frame();
        frames_.push_back({{}, parent, caller});
        return {frames_};
    }
    [[nodiscard]] std::size_t last_frame() const noexcept { return frames_.size() - 1; }

    void set(std::string_view name, value v) {
        frames_.back().variables.insert_or_assign(std::string(name), std::move(v));
    }

    value look_up(const std::string& name) {
        std::uint64_t hops = 0;
        for (std::size_t i = last_frame();; i = frames_[i].parent, ++hops) {
            const frame& f = frames_[i];
            if (hops % 8 == 7) rt_.spend(1);
            if (const auto found = f.variables.find(name); found != f.variables.end()) return found->second;
            if (i == 0) break;
        }
        if (const native_function known = find_builtin(functions, name)) return known;
        return undefined{name};
    }

    // The frame that a macro was defined in; the template's own if that is gone. A call block's is where the call stands.
    [[nodiscard]] std::size_t home_of(const statement& macro) {
        for (std::size_t i = last_frame(); i > 0; --i) {
            rt_.spend(1);
            const auto found = frames_[i].variables.find(macro.name);
            if (found != frames_[i].variables.end() && found->second.is(value::kind::macro) &&
                &found->second.as_macro() == &macro)
                return macro.kind == statement_kind::call_block ? frames_[i].caller : i;
        }
        return 0;
    }

    [[nodiscard]] depth_guard enter(std::uint32_t offset) {
        rt_.move_to(offset);
        rt_.spend(1);
        if (depth_ >= max_depth_)
            rt_.fail("macros and expressions are nested more than " + std::to_string(max_depth_) + " deep");
        return {++depth_};
    }

    value evaluate(const expression_ptr& e) { return e ? evaluate(*e) : value(); }

    value evaluate(const expression& e) {
        const depth_guard guard = enter(e.offset);
        switch (e.kind) {
            case expression_kind::constant: return e.literal;
            case expression_kind::variable: return look_up(e.name);
            case expression_kind::list:
            case expression_kind::tuple: return make_list(e);
            case expression_kind::dict: return make_dict(e);
            case expression_kind::unary: return unary(e);
            case expression_kind::binary: return binary(e);
            case expression_kind::comparison: return comparison(e);
            case expression_kind::conditional:
                return evaluate(e.operands[1]).truth() ? evaluate(e.operands[0]) : evaluate(e.operands[2]);
            case expression_kind::attribute: return attribute(e);
            case expression_kind::subscript: return subscript(e);
            case expression_kind::slice: return slice(e);
            case expression_kind::call: return call(e);
            case expression_kind::filter: return apply(e, find_filter(e.name), "filter");
            case expression_kind::test: return apply(e, find_builtin(tests, e.name), "test");
        }
        return {};
    }

    value make_list(const expression& e) {
        value_list out;
        for (const auto& item : e.operands) out.push_back(evaluate(item));
        return e.kind == expression_kind::tuple ? rt_.make_tuple(std::move(out)) : rt_.make(std::move(out));
    }

    value make_dict(const expression& e) {
        value_dict out;
        for (std::size_t i = 0; i + 1 < e.operands.size(); i += 2) {
            value key = evaluate(e.operands[i]), item = evaluate(e.operands[i + 1]);
            rt_.put(out, std::move(key), std::move(item));
        }
        rt_.move_to(e.offset);
        return rt_.make(std::move(out));
    }

    // As in Jinja2: x.name is a method before it is an item, x['name'] an item before it is a method.
    value attribute(const expression& e) {
        const value object = evaluate(e.operands[0]);
        rt_.move_to(e.offset);
        if (object.is(value::kind::macro) && e.name == "name") return object.as_macro().name;
        if (const native_function method = find_method(object, e.name)) return {method, object};
        return rt_.attribute(object, e.name);
    }
    value subscript(const expression& e) {
        const value object = evaluate(e.operands[0]), key = evaluate(e.operands[1]);
        rt_.move_to(e.offset);
        value found = rt_.subscript(object, key);
        if (found.is_undefined() && key.is_string())
            if (const native_function method = find_method(object, key.as_string())) return {method, object};
        return found;
    }
    value slice(const expression& e) {
        const value object = evaluate(e.operands[0]), start = evaluate(e.operands[1]), stop = evaluate(e.operands[2]),
                    step = evaluate(e.operands[3]);
        rt_.move_to(e.offset);
        return rt_.slice(object, start, stop, step);
    }

    value unary(const expression& e) {
        const value x = evaluate(e.operands[0]);
        if (e.name == "not") return !x.truth();
        rt_.move_to(e.offset);
        return apply_sign(rt_, e.name, x);
    }

    value binary(const expression& e) {
        value a = evaluate(e.operands[0]);
        if (e.name == "and") return a.truth() ? evaluate(e.operands[1]) : a;
        if (e.name == "or") return a.truth() ? a : evaluate(e.operands[1]);
        const value b = evaluate(e.operands[1]);
        rt_.move_to(e.offset);
        return combine(rt_, e.name, a, b);
    }

    value comparison(const expression& e) {
        value left = evaluate(e.operands[0]);
        for (std::size_t i = 0; i < e.operators.size(); ++i) {
            value right = evaluate(e.operands[i + 1]);
            rt_.move_to(e.offset);
            if (!holds(rt_, left, e.operators[i], right)) return false;
            left = std::move(right);
        }
        return true;
    }

    // Adds the arguments of a call, filter or test to what it is applied to.
    arguments collect(const expression& e, arguments in) {
        for (std::size_t i = 1; i < e.operands.size(); ++i) in.positional.push_back(evaluate(e.operands[i]));
        for (const auto& [name, argument] : e.named) {
            value given = evaluate(argument);
            if (name == "*") {
                for (value& item : rt_.items(given)) in.positional.push_back(std::move(item));
            } else if (name == "**") {
                if (!given.is(value::kind::dict)) rt_.fail("'**' needs a mapping, not " + runtime::describe(given));
                rt_.spend(given.as_dict().size());
                in.spread_out(std::move(given));
            } else {
                in.named.emplace_back(name, std::move(given));
            }
        }
        rt_.move_to(e.offset);
        return in;
    }
    arguments applied_to(value object) {
        arguments in;
        in.positional.push_back(std::move(object));
        return in;
    }

    value apply(const expression& e, native_function known, std::string_view what) {
        if (known == nullptr) rt_.fail("unknown " + std::string(what) + " '" + e.name + "'");
        return known(rt_, collect(e, applied_to(evaluate(e.operands[0]))));
    }

    value call(const expression& e, const statement* around = nullptr) {
        const expression& callee = *e.operands[0];
        value target;
        if (callee.kind == expression_kind::attribute) {
            value object = evaluate(callee.operands[0]);
            rt_.move_to(callee.offset);
            if (const native_function method = find_method(object, callee.name))
                return method(rt_, collect(e, applied_to(std::move(object))));
            target = rt_.attribute(object, callee.name);
            if (target.is_undefined()) rt_.fail(runtime::describe(object) + " has no method '" + callee.name + "'");
        } else {
            target = evaluate(callee);
        }
        rt_.move_to(e.offset);
        if (target.is(value::kind::macro)) return call_macro(target.as_macro(), collect(e, {}), around);
        if (target.is(value::kind::function)) {
            const value* self = target.bound_to();
            return target.as_function()(rt_, collect(e, self != nullptr ? applied_to(*self) : arguments{}));
        }
        if (target.is(value::kind::loop)) {
            const arguments in = collect(e, {});
            if (in.positional.size() == 1) return call_loop(target.as_loop(), in.self());
        }
        rt_.fail(runtime::describe(target) + " cannot be called");
    }

    runtime rt_;
    int max_depth_, depth_ = 0;
    std::vector<frame> frames_;
};

}  // namespace wafer::inline WAFER_ABI::jinja
