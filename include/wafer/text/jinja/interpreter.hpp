// SPDX-License-Identifier: MIT
// L1 text/jinja: walks a parsed template with the scoping rules of Jinja2. Bounded by runtime's limits whatever it walks.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/text/jinja/ast.hpp>
#include <wafer/text/jinja/filters.hpp>
#include <wafer/text/jinja/functions.hpp>
#include <wafer/text/jinja/methods.hpp>
#include <wafer/text/jinja/runtime.hpp>
#include <wafer/text/jinja/tests.hpp>
#include <wafer/text/jinja/value.hpp>

namespace wafer::inline WAFER_ABI::jinja {

/// Renders one template once.
class interpreter {
public:
    interpreter(std::string_view source, const limits& bounds, std::chrono::sys_seconds now,
                const value_dict& variables)
        : rt_(source, bounds, now), max_depth_(bounds.depth) {
        frames_.emplace_back();
        for (const auto& [name, item] : variables) frames_.back().variables.insert_or_assign(name, item);
    }

    /// @throws error{errc::template_failed} with line and column.
    std::string run(const block& program) {
        run_block(program);
        return std::move(out_);
    }

private:
    // What a statement list ended with.
    enum class flow : std::uint8_t { next, break_loop, continue_loop };

    // Loops and macros have a frame each. A look-up ends at a macro's frame and goes on at the template's own.
    struct frame {
        std::map<std::string, value, std::less<>> variables;
        bool is_macro = false;
    };
    struct frame_guard {
        std::vector<frame>& frames;
        ~frame_guard() { frames.pop_back(); }
    };
    struct depth_guard {
        int& depth;
        ~depth_guard() { --depth; }
    };

    void set(std::string_view name, value v) {
        frames_.back().variables.insert_or_assign(std::string(name), std::move(v));
    }

    value look_up(const std::string& name) {
        for (std::size_t i = frames_.size(); i-- > 0;) {
            const frame& f = frames_[i];
            if (const auto found = f.variables.find(name); found != f.variables.end()) return found->second;
            if (f.is_macro && i > 0) i = 1;  // next is the template's own frame
        }
        if (const native_function known = find_builtin(functions, name)) return known;
        return undefined{name};
    }

    void print(std::string_view text) {
        rt_.charge(text.size());
        out_ += text;
    }
    // What a block prints, instead of printing it.
    std::string capture(const block& body) {
        std::string outer = std::exchange(out_, {});
        run_block(body);
        return std::exchange(out_, std::move(outer));
    }

    // --- statements

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
            case statement_kind::set_block: run_set_block(s); break;
            case statement_kind::macro: set(s.name, &s); break;
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
        if (!v.is(value::kind::list) || v.as_list().size() != s.targets.size())
            rt_.fail("cannot unpack " + runtime::describe(v) + " into " + std::to_string(s.targets.size()) +
                     " variables");
        for (std::size_t i = 0; i < s.targets.size(); ++i) set(s.targets[i], v.as_list()[i]);
    }

    void run_for(const statement& s) {
        value_list items = rt_.items(evaluate(s.first));
        if (s.second) {
            value_list kept;
            for (value& item : items) {
                frames_.emplace_back();
                const frame_guard leave{frames_};
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
        for (; loop->index < loop->items.size(); ++loop->index) {
            rt_.spend(1);
            frames_.emplace_back();
            const frame_guard leave{frames_};
            set("loop", std::shared_ptr<const loop_state>(loop));
            assign(s, loop->items[loop->index]);
            if (run_block(s.body) == flow::break_loop) break;
        }
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

    void run_set_block(const statement& s) {
        frames_.emplace_back();
        value text;
        {
            const frame_guard leave{frames_};
            text = rt_.make(capture(s.body));
            if (s.first) {
                set("", text);  // the name under which the parser put the filters' operand
                text = evaluate(s.first);
            }
        }
        set(s.targets.front(), std::move(text));
    }

    value call_macro(const statement& macro, arguments in) {
        if (in.positional.size() > macro.parameters.size())
            rt_.fail("macro '" + macro.name + "' takes at most " + std::to_string(macro.parameters.size()) +
                     " arguments");
        for (const auto& argument : in.named)
            if (std::ranges::find(macro.parameters, argument.first,
                                  [](const auto& p) { return std::string_view(p.first); }) == macro.parameters.end())
                rt_.fail("macro '" + macro.name + "' has no parameter '" + std::string(argument.first) + "'");
        frames_.emplace_back().is_macro = true;
        const frame_guard leave{frames_};
        for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
            const auto& [name, otherwise] = macro.parameters[i];
            const value* given = in.find(i, name);
            set(name, given != nullptr ? *given : otherwise ? evaluate(otherwise) : value(undefined{name}));
        }
        return rt_.make(capture(macro.body));
    }

    // --- expressions

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
            case expression_kind::list: return make_list(e);
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
        return rt_.make(std::move(out));
    }

    value make_dict(const expression& e) {
        value_dict out;
        for (std::size_t i = 0; i + 1 < e.operands.size(); i += 2) {
            const value key = evaluate(e.operands[i]);
            std::string name = rt_.string_of(key, "a dict's key");
            const auto known = std::ranges::find(out, name, &value_dict::value_type::first);
            value item = evaluate(e.operands[i + 1]);
            if (known != out.end()) known->second = std::move(item);
            else out.emplace_back(std::move(name), std::move(item));
        }
        rt_.move_to(e.offset);
        rt_.charge(out.size() * sizeof(value_dict::value_type));
        return out;
    }

    value attribute(const expression& e) {
        const value object = evaluate(e.operands[0]);
        rt_.move_to(e.offset);
        return rt_.attribute(object, e.name);
    }
    value subscript(const expression& e) {
        const value object = evaluate(e.operands[0]), key = evaluate(e.operands[1]);
        rt_.move_to(e.offset);
        return rt_.subscript(object, key);
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
        if (!x.is_number()) rt_.fail("'" + e.name + "' needs a number, not " + runtime::describe(x));
        if (e.name == "+") return x;
        if (x.is(value::kind::real)) return -x.as_double();
        if (x.as_int() == std::numeric_limits<std::int64_t>::min()) rt_.fail("integer overflow");
        return -x.as_int();
    }

    value binary(const expression& e) {
        value a = evaluate(e.operands[0]);
        if (e.name == "and") return a.truth() ? evaluate(e.operands[1]) : a;
        if (e.name == "or") return a.truth() ? a : evaluate(e.operands[1]);
        const value b = evaluate(e.operands[1]);
        rt_.move_to(e.offset);
        if (e.name == "~") return rt_.make(rt_.print(a) + rt_.print(b));
        if (a.is_number() && b.is_number()) return arithmetic(e.name, a, b);
        if (e.name == "+" && a.is_string() && b.is_string()) return rt_.make(a.as_string() + b.as_string());
        if (e.name == "+" && a.is(value::kind::list) && b.is(value::kind::list)) {
            rt_.charge(b.as_list().size() * sizeof(value));
            value_list all = a.as_list();
            all.insert(all.end(), b.as_list().begin(), b.as_list().end());
            return rt_.make(std::move(all));
        }
        if (e.name == "*" && b.is(value::kind::integer) && (a.is_string() || a.is(value::kind::list)))
            return repeat(a, b.as_int());
        rt_.fail("'" + e.name + "' cannot combine " + runtime::describe(a) + " and " + runtime::describe(b));
    }

    value repeat(const value& sequence, std::int64_t times) {
        const std::uint64_t n = times < 0 ? 0 : static_cast<std::uint64_t>(times);
        const std::uint64_t unit =
            sequence.is_string() ? sequence.as_string().size() : sequence.as_list().size() * sizeof(value);
        if (unit != 0 && n > std::numeric_limits<std::uint64_t>::max() / unit)
            rt_.fail("a repeated sequence is too long");
        rt_.charge(unit * n);
        std::string text;
        value_list items;
        for (std::uint64_t i = 0; unit != 0 && i < n; ++i) {
            if (sequence.is_string()) text += sequence.as_string();
            else items.insert(items.end(), sequence.as_list().begin(), sequence.as_list().end());
        }
        return sequence.is_string() ? value(std::move(text)) : value(std::move(items));
    }

    value arithmetic(std::string_view op, const value& a, const value& b) {
        const bool division = op == "/" || op == "//" || op == "%";
        if (division && b.as_double() == 0) rt_.fail("division by zero");
        if (op == "/" || a.is(value::kind::real) || b.is(value::kind::real))
            return real_arithmetic(op, a.as_double(), b.as_double());
        const std::int64_t x = a.as_int(), y = b.as_int();
        std::int64_t out = 0;
        bool overflow = false;
        if (op == "+") overflow = __builtin_add_overflow(x, y, &out);
        else if (op == "-") overflow = __builtin_sub_overflow(x, y, &out);
        else if (op == "*") overflow = __builtin_mul_overflow(x, y, &out);
        else if (op == "**") return y < 0 ? value(std::pow(a.as_double(), b.as_double())) : value(power(x, y));
        else if (y == -1) overflow = op == "//" && __builtin_sub_overflow(std::int64_t{0}, x, &out);  // x % -1 is 0
        else out = op == "//" ? x / y - (x % y != 0 && (x < 0) != (y < 0)) : (x % y + y) % y;
        if (overflow) rt_.fail("integer overflow");
        return out;
    }

    static value real_arithmetic(std::string_view op, double x, double y) {
        if (op == "+") return x + y;
        if (op == "-") return x - y;
        if (op == "*") return x * y;
        if (op == "/") return x / y;
        if (op == "//") return std::floor(x / y);
        if (op == "%") return x - y * std::floor(x / y);
        return std::pow(x, y);
    }

    std::int64_t power(std::int64_t base, std::int64_t exponent) const {
        std::int64_t out = 1;
        if (base == 0 || base == 1 || base == -1) return exponent == 0 ? 1 : base == -1 && exponent % 2 == 0 ? 1 : base;
        for (; exponent > 0; --exponent)
            if (__builtin_mul_overflow(out, base, &out)) rt_.fail("integer overflow");
        return out;
    }

    value comparison(const expression& e) {
        value left = evaluate(e.operands[0]);
        for (std::size_t i = 0; i < e.operators.size(); ++i) {
            value right = evaluate(e.operands[i + 1]);
            rt_.move_to(e.offset);
            if (!holds(left, e.operators[i], right)) return false;
            left = std::move(right);
        }
        return true;
    }
    bool holds(const value& a, std::string_view op, const value& b) {
        if (op == "==") return rt_.equal(a, b);
        if (op == "!=") return !rt_.equal(a, b);
        if (op == "in") return contains(rt_, b, a);
        if (op == "not in") return !contains(rt_, b, a);
        return in_order(rt_, a, op, b);
    }

    // Adds the arguments of a call, filter or test to what it is applied to.
    arguments collect(const expression& e, arguments in) {
        for (std::size_t i = 1; i < e.operands.size(); ++i) in.positional.push_back(evaluate(e.operands[i]));
        for (const auto& [name, argument] : e.named) in.named.emplace_back(name, evaluate(argument));
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

    value call(const expression& e) {
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
        if (target.is(value::kind::function)) return target.as_function()(rt_, collect(e, {}));
        if (target.is(value::kind::macro)) return call_macro(target.as_macro(), collect(e, {}));
        rt_.fail(runtime::describe(target) + " cannot be called");
    }

    runtime rt_;
    int max_depth_, depth_ = 0;
    std::vector<frame> frames_;
    std::string out_;
};

}  // namespace wafer::inline WAFER_ABI::jinja
