// SPDX-License-Identifier: MIT
// L1 text/grammar: from rules to a program. Refuses what no text can satisfy and what would make matching run in
// circles; afterwards no way through the program is a dead end.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/grammar/automaton.hpp>
#include <wafer/text/grammar/code_points.hpp>
#include <wafer/text/grammar/grammar.hpp>
#include <wafer/text/grammar/program.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// What becomes of rules that no text can satisfy: refused, or cut out of the alternatives that need them.
enum class unsatisfiable : std::uint8_t { refuse, prune };

/// For one use.
class compiler {
public:
    static constexpr std::size_t max_nodes = 1u << 19;  // 6 MiB

    explicit compiler(const ruleset& source) : source_(source) {}

    /// @throws error{errc::bad_grammar}
    [[nodiscard]] std::shared_ptr<const program> run(unsatisfiable policy) {
        check_rules();
        add({.kind = node_kind::accept});
        for (building_ = 0; building_ < source_.rules.size(); ++building_) begin_rule();
        for (building_ = 0; building_ < source_.rules.size(); ++building_)
            finish_rule(building_, source_.rules[building_].body);
        const std::vector<bool> possible = reaching_end(true);
        for (std::uint32_t r = 0; r < rules_.size(); ++r)
            if (!possible[rules_[r].first] && (policy == unsatisfiable::refuse || r == source_.root))
                fail(r, "can never finish: no text satisfies it");
        prune(possible);
        const std::vector<bool> empty = reaching_end(false);
        for (const rule_graph& r : rules_) out_.rules.push_back({r.first, empty[r.first]});
        for (const auto& [rule, copies] : repeats_)
            if (rule == none || !out_.rules[rule].nullable) out_.repeats.push_back(copies);
        order_rules();
        find_byte_classes();
        return std::move(made_);
    }

private:
    struct rule_graph {
        node_id first, end;
        std::size_t origin;  // the rule of the source that it is, or is a part of
    };

    static constexpr std::uint32_t none = ~std::uint32_t{0};

    [[noreturn]] void fail(const rule& r, std::string_view what) const {
        raise(errc::bad_grammar,
              "grammar: \"" + r.name + "\" " + std::string(what) + position(source_.source, r.offset));
    }
    [[noreturn]] void fail(std::size_t compiled_rule, std::string_view what) const {
        fail(source_.rules[rules_[compiled_rule].origin], what);
    }

    // Rules may be made by hand.
    void check_rules() const {
        const std::size_t n = source_.rules.size();
        if (source_.root >= n)
            raise(errc::bad_grammar,
                  "grammar: its root is rule " + std::to_string(source_.root) + " of " + std::to_string(n));
        for (const rule& r : source_.rules) check(r.body, r);
    }
    void check(const expression& e, const rule& in) const {
        switch (e.kind) {
            case expression_kind::text:
                if (!is_utf8(e.text)) fail(in, "has a text that is not UTF-8");
                return;
            case expression_kind::chars: return;
            case expression_kind::repeat:
                if (e.parts.size() != 1)
                    fail(in, "repeats " + std::to_string(e.parts.size()) + " parts instead of one");
                if (e.min > e.max) fail(in, "has a repetition whose least number is above its greatest");
                [[fallthrough]];
            case expression_kind::sequence:
            case expression_kind::choice:
                for (const expression& part : e.parts) check(part, in);
                return;
            case expression_kind::rule:
                if (e.rule >= source_.rules.size())
                    fail(in,
                         "refers to rule " + std::to_string(e.rule) + " of " + std::to_string(source_.rules.size()));
                return;
        }
        fail(in, "has an expression of no known kind");
    }

    node_id add(node n) {
        if (out_.nodes.size() == max_nodes)
            raise(errc::bad_grammar, "grammar: it is too large at \"" + source_.rules[building_].name +
                                         "\"; use fewer alternatives or lower numbers of repetitions" +
                                         position(source_.source, source_.rules[building_].offset));
        out_.nodes.push_back(n);
        return static_cast<node_id>(out_.nodes.size() - 1);
    }
    std::uint32_t begin_rule() {
        const node_id end = add({.kind = node_kind::end});
        rules_.push_back({end, end, building_});
        return static_cast<std::uint32_t>(rules_.size() - 1);
    }
    void finish_rule(std::size_t id, const expression& body) {
        const node_id first = build(body, rules_[id].end);
        rules_[id].first = first;
    }

    node_id read(const byte_set& bytes, node_id next) {
        const auto [slot, is_new] = set_ids_.try_emplace(bytes, static_cast<std::uint32_t>(out_.sets.size()));
        if (is_new) out_.sets.push_back(bytes);
        return add({node_kind::bytes, next, slot->second});
    }

    // Every build function returns the first node of something that goes on at `next`.
    node_id build(const expression& e, node_id next) {
        switch (e.kind) {
            case expression_kind::text:
                for (auto c = e.text.rbegin(); c != e.text.rend(); ++c)
                    next = read(byte_set().set(static_cast<unsigned char>(*c)), next);
                return next;
            case expression_kind::chars: return build_chars(e.chars, next);
            case expression_kind::sequence:
                for (auto part = e.parts.rbegin(); part != e.parts.rend(); ++part) next = build(*part, next);
                return next;
            case expression_kind::choice: {
                if (e.parts.empty()) return add({.kind = node_kind::none});
                std::vector<std::string_view> texts;
                node_id first = 0;
                const auto add_way = [&](node_id way) {
                    first = first == 0 ? way : add({node_kind::either, way, first});
                };
                for (auto part = e.parts.rbegin(); part != e.parts.rend(); ++part) {
                    if (part->kind == expression_kind::text) texts.push_back(part->text);
                    else add_way(build(*part, next));
                }
                if (!texts.empty()) add_way(build_texts(texts, next));
                return first;
            }
            case expression_kind::repeat: return build_repeat(e, next);
            case expression_kind::rule: return add({node_kind::call, next, e.rule});
        }
        return next;
    }

    // One of several texts. Those that begin alike share nodes, so that thousands are no ambiguity.
    node_id build_texts(std::vector<std::string_view>& texts, node_id next) {
        std::sort(texts.begin(), texts.end(), std::greater<>());
        std::string_view before;
        std::vector<node_id> open{0};  // what may follow the first bytes of the text before; 0: nothing yet
        const auto add_way = [&](node_id way) {
            open.back() = open.back() == 0 ? way : add({node_kind::either, way, open.back()});
        };
        const auto close_to = [&](std::size_t depth) {
            while (open.size() > depth + 1) {
                const node_id rest = open.back();
                open.pop_back();
                add_way(read(byte_set().set(static_cast<unsigned char>(before[open.size() - 1])), rest));
            }
        };
        for (const std::string_view now : texts) {
            const auto common = std::mismatch(before.begin(), before.end(), now.begin(), now.end()).first;
            close_to(static_cast<std::size_t>(common - before.begin()));
            open.resize(now.size() + 1);
            add_way(next);
            before = now;
        }
        close_to(0);
        return open[0];
    }

    node_id build_chars(const code_points& set, node_id next) {
        std::map<std::tuple<node_id, byte_range>, node_id> endings;  // sequences that end alike share nodes
        std::map<node_id, byte_set> beginnings;
        const auto bytes_of = [](byte_range r) {
            byte_set bytes;
            for (unsigned b = r.first; b <= r.last; ++b) bytes.set(b);
            return bytes;
        };
        for (const code_range range : set.ranges())
            for_each_utf8(range, [&](const byte_ranges& spelled) {
                node_id rest = next;
                for (std::size_t i = spelled.length - 1; i > 0; --i) {
                    node_id& known = endings[{rest, spelled.bytes[i]}];
                    if (known == 0) known = read(bytes_of(spelled.bytes[i]), rest);
                    rest = known;
                }
                beginnings[rest] |= bytes_of(spelled.bytes[0]);
            });
        node_id first = 0;
        for (const auto& [rest, bytes] : beginnings) {
            const node_id one = read(bytes, rest);
            first = first == 0 ? one : add({node_kind::either, one, first});
        }
        return first == 0 ? add({.kind = node_kind::none}) : first;
    }

    node_id build_repeat(const expression& e, node_id next) {
        const expression& body = e.parts[0];
        if (e.max == 0 || (body.kind == expression_kind::text && body.text.empty())) return next;
        if (e.max == 1) {
            const node_id once = build(body, next);
            return e.min == 1 ? once : add({node_kind::either, once, next});
        }
        if (e.max == unlimited && e.min <= 1)
            return build_loop([&](node_id to) { return build(body, to); }, next, e.min);
        // Copies of a small body cost little; a large one becomes a rule, lest nested repetitions multiply.
        const bool small =
            body.kind == expression_kind::text
                ? body.text.size() <= 4
                : body.kind == expression_kind::chars && (body.chars.empty() || body.chars.ranges().back().last < 0x80);
        std::uint32_t id = 0;
        if (!small) {
            id = begin_rule();
            finish_rule(id, body);
        }
        const auto copy = [&](node_id to) { return small ? build(body, to) : add({node_kind::call, to, id}); };
        const auto note_copies = [&](std::size_t begin, std::uint32_t count) {
            if (count < program::many_copies || (small && body.text.empty() && body.chars.empty())) return;
            const auto stride = static_cast<std::uint32_t>((out_.nodes.size() - begin) / count);
            repeats_.push_back({small ? none : id, {static_cast<node_id>(begin), stride, count}});
        };
        node_id first = next;
        std::uint32_t must = e.min;
        std::size_t begin = out_.nodes.size();
        if (e.max == unlimited) {
            first = build_loop(copy, next, 1);
            --must;
        } else {
            for (std::uint32_t i = e.min; i < e.max; ++i) first = add({node_kind::either, copy(first), next});
            note_copies(begin, e.max - e.min);
        }
        begin = out_.nodes.size();
        for (std::uint32_t i = 0; i < must; ++i) first = copy(first);
        note_copies(begin, must);
        return first;
    }
    template <class Body>
    node_id build_loop(const Body& body, node_id next, std::uint32_t min) {
        const node_id again = add({.kind = node_kind::either});
        const node_id first = body(again);
        out_.nodes[again] = {node_kind::either, first, next};
        return min == 0 ? again : first;
    }

    // Which nodes have a way to the end of their rule; `reading`: a way with bytes on it counts too.
    [[nodiscard]] std::vector<bool> reaching_end(bool reading) const {
        const auto n = static_cast<node_id>(out_.nodes.size());
        // Lists of edges by where they lead: edge 2i is node i's `next`, 2i + 1 its `arg`. Calls are listed by rule as
        // well.
        std::vector<std::uint32_t> last_edge(n, none), edge_before(2 * std::size_t{n}, none);
        std::vector<std::uint32_t> last_call(rules_.size(), none), call_before(n, none), begun(n, none);
        const auto link = [&](std::uint32_t edge, node_id to) {
            edge_before[edge] = std::exchange(last_edge[to], edge);
        };
        for (node_id id = 0; id < n; ++id) {
            const node& at = out_.nodes[id];
            if (at.kind == node_kind::either) link(2 * id + 1, at.arg);
            if (at.kind == node_kind::call) call_before[id] = std::exchange(last_call[at.arg], id);
            if (at.kind == node_kind::bytes ? reading : at.kind == node_kind::either || at.kind == node_kind::call)
                link(2 * id, at.next);
        }
        for (std::uint32_t r = 0; r < rules_.size(); ++r) begun[rules_[r].first] = r;
        std::vector<bool> good(n);
        std::vector<node_id> todo;
        const auto mark = [&](node_id id) {
            if (good[id]) return;
            good[id] = true;
            todo.push_back(id);
        };
        for (const rule_graph& r : rules_) mark(r.end);
        while (!todo.empty()) {
            const node_id id = todo.back();
            todo.pop_back();
            for (std::uint32_t edge = last_edge[id]; edge != none; edge = edge_before[edge]) {
                const node& from = out_.nodes[edge / 2];
                if (from.kind != node_kind::call || good[rules_[from.arg].first]) mark(edge / 2);
            }
            if (begun[id] == none) continue;
            for (std::uint32_t call = last_call[begun[id]]; call != none; call = call_before[call])
                if (good[out_.nodes[call].next]) mark(call);
        }
        return good;
    }

    void prune(const std::vector<bool>& possible) {
        for (node& n : out_.nodes) {
            if (n.kind != node_kind::either) continue;
            if (!possible[n.arg]) n.arg = n.next;
            else if (!possible[n.next]) n.next = n.arg;
        }
        for (node_id id = 1; id < out_.nodes.size(); ++id)
            if (!possible[id]) out_.nodes[id] = {};
    }

    // Rules that a rule may call before it has read a byte.
    [[nodiscard]] std::vector<std::uint32_t> left_calls(std::uint32_t id, std::vector<bool>& seen) const {
        std::vector<std::uint32_t> out;
        std::vector<node_id> todo{out_.rules[id].first};
        while (!todo.empty()) {
            const node_id at = todo.back();
            todo.pop_back();
            if (seen[at]) continue;
            seen[at] = true;
            const node& n = out_.nodes[at];
            if (n.kind == node_kind::either) todo.insert(todo.end(), {n.next, n.arg});
            if (n.kind != node_kind::call) continue;
            out.push_back(n.arg);
            if (out_.rules[n.arg].nullable) todo.push_back(n.next);
        }
        return out;
    }

    // Puts callers before what they call on the left; a cycle among those is left recursion.
    void order_rules() {
        enum : std::uint8_t { fresh, open, done };
        struct visit {
            std::uint32_t rule;
            std::vector<std::uint32_t> calls;
        };
        const std::size_t n = out_.rules.size();
        std::vector<bool> seen(out_.nodes.size());
        std::vector<std::uint8_t> status(n, fresh);
        std::vector<std::uint32_t> finished;
        for (std::uint32_t start = 0; start < n; ++start) {
            if (status[start] != fresh) continue;
            std::vector<visit> path;
            const auto enter = [&](std::uint32_t r) {
                status[r] = open;
                path.push_back({r, left_calls(r, seen)});
            };
            for (enter(start); !path.empty();) {
                visit& here = path.back();
                if (here.calls.empty()) {
                    status[here.rule] = done;
                    finished.push_back(here.rule);
                    path.pop_back();
                    continue;
                }
                const std::uint32_t callee = here.calls.back();
                here.calls.pop_back();
                if (status[callee] == open)
                    fail(callee, "is left-recursive: it calls itself before it has read a character");
                if (status[callee] == fresh) enter(callee);
            }
        }
        std::vector<std::uint32_t> rank(n);
        for (std::uint32_t i = 0; i < n; ++i) rank[finished[n - 1 - i]] = i;
        std::vector<program::entry> ordered(n);
        for (std::uint32_t i = 0; i < n; ++i) ordered[rank[i]] = out_.rules[i];
        out_.rules = std::move(ordered);
        out_.root = rank[source_.root];
        for (node& at : out_.nodes)
            if (at.kind == node_kind::call) at.arg = rank[at.arg];
    }

    void find_byte_classes() {
        std::size_t count = 1;
        for (const byte_set& set : out_.sets) {
            std::array<int, 512> renamed;
            renamed.fill(-1);
            std::size_t next = 0;
            for (std::size_t b = 0; b < 256; ++b) {
                int& name = renamed[out_.class_of[b] * 2u + set[b]];
                if (name < 0) name = static_cast<int>(next++);
                out_.class_of[b] = static_cast<std::uint8_t>(name);
            }
            count = next;
            if (count == 256) break;
        }
        out_.representatives.resize(count);
        for (unsigned b = 0; b < 256; ++b) out_.representatives[out_.class_of[b]] = static_cast<std::uint8_t>(b);
    }

    const ruleset& source_;
    std::shared_ptr<program> made_{new program};
    program& out_ = *made_;
    std::vector<rule_graph> rules_;
    std::unordered_map<byte_set, std::uint32_t> set_ids_;
    std::vector<std::pair<std::uint32_t, program::copies>> repeats_;  // with the rule that is repeated, if it is one
    std::size_t building_ = 0;
};

/// Checks rules and makes them ready for matching. Linear in their size.
/// @throws error{errc::bad_grammar}: rules that refer to none, or are not as grammar.hpp says; no text can satisfy a rule (or,
///         with prune, the root), left recursion also through other rules and empty ones, repetitions that are too many to
///         lay out, too many ways to begin
/// @throws error{errc::out_of_memory}
[[nodiscard]] inline std::shared_ptr<const program> compile(const ruleset& source,
                                                            unsatisfiable policy = unsatisfiable::refuse) {
    return or_out_of_memory([&] {
        auto out = compiler(source).run(policy);
        (void)automaton(out, errc::bad_grammar).start();
        return out;
    });
}

}  // namespace wafer::inline WAFER_ABI::grammar
