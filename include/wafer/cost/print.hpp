// SPDX-License-Identifier: MIT
// L4 cost: how reports read: an aligned table for one device, devices side by side for several, JSON for programs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/human.hpp>
#include <wafer/core/json.hpp>
#include <wafer/core/table.hpp>
#include <wafer/cost/report.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

inline constexpr std::array every_stage{stage::prefill, stage::decode};

[[nodiscard]] inline std::string counted(std::uint64_t n, const std::string& what, const std::string& plural) {
    return std::to_string(n) + " " + (n == 1 ? what : plural);
}
[[nodiscard]] inline std::string blank_if_zero(bytes n) { return n == bytes{} ? "" : human(n); }
[[nodiscard]] inline std::string blank_if_zero(flops n) { return n == flops{} ? "" : human(n); }
[[nodiscard]] inline seconds each(seconds total, std::uint64_t n) {
    return n == 0 ? seconds{} : seconds(total.count / static_cast<double>(n));
}
[[nodiscard]] inline std::string bound_name(const cost_report& r, const charge& c) {
    return r.modelled && c.total.count > 0 ? std::string(to_string(c.bound_by())) : "";
}
[[nodiscard]] inline std::string heading(const stage_total& s, stage at) {
    return std::string(to_string(at)) + ": " + counted(s.tokens, "token", "tokens") + " in " +
           counted(s.passes, "pass", "passes");
}
[[nodiscard]] inline charge everything(const stage_total& s) {
    charge all = s.sum().time;
    all += s.overhead;
    return all;
}
// "" if it fits or nothing is known.
[[nodiscard]] inline std::string misfit(const cost_report& r) {
    return r.fits()
               ? ""
               : "does not fit: " + human(r.needed) + " needed, " + human(r.capacity) + " there; priced as if it did";
}

}  // namespace detail

/// One device, op by op: calls, work and time of each stage that ran.
inline std::ostream& operator<<(std::ostream& out, const cost_report& r) {
    out << r.device << " (" << r.basis << ")\n";
    if (const auto warning = detail::misfit(r); !warning.empty()) out << warning << '\n';
    for (const stage at : detail::every_stage) {
        const auto& s = r[at];
        if (s.passes == 0) continue;
        const auto all = detail::everything(s);
        out << '\n' << detail::heading(s, at) << ", " << human(all.total);
        if (s.tokens != 0) out << ", " << human(s.per_token()) << " each: " << three_digits(s.rate()) << " tokens/s";
        if (const auto by = detail::bound_name(r, all); !by.empty()) out << ", mostly " << by;
        out << '\n';

        text_table table({7});
        table.add({"operation", "calls", "work", "weights", "cache", "time", "share", r.modelled ? "bound by" : ""});
        const auto share = [&](seconds t) { return all.total.count > 0 ? fixed(100 * (t / all.total), 1) + " %" : ""; };
        for (std::size_t i = 0; i < op_count; ++i) {
            const auto& o = s.ops[i];
            if (o.calls == 0) continue;
            table.add({std::string(to_string(static_cast<op>(i))), std::to_string(o.calls),
                       detail::blank_if_zero(o.arithmetic), detail::blank_if_zero(o.weights),
                       detail::blank_if_zero(o.cache), human(o.time.total), share(o.time.total),
                       detail::bound_name(r, o.time)});
        }
        table.add({"overhead", "", "", "", "", human(s.overhead.total), share(s.overhead.total),
                   detail::bound_name(r, s.overhead)});
        const auto sum = s.sum();
        table.add({"total", std::to_string(sum.calls), detail::blank_if_zero(sum.arithmetic),
                   detail::blank_if_zero(sum.weights), detail::blank_if_zero(sum.cache), human(all.total),
                   share(all.total), detail::bound_name(r, all)});
        out << table;
    }
    return out;
}

/// Devices side by side: the time that each token spends in each operation, and what bounds it there. A single report
/// is printed in full.
inline std::ostream& operator<<(std::ostream& out, std::span<const cost_report> reports) {
    if (reports.size() == 1) return out << reports[0];
    if (reports.empty()) return out;
    for (const stage at : detail::every_stage) {
        const auto& first = reports[0][at];
        if (first.passes == 0) continue;
        out << detail::heading(first, at) << ", time per token\n";

        std::vector<std::size_t> left;
        for (std::size_t i = 0; i < reports.size(); ++i) left.push_back(2 * i + 2);
        text_table table(std::move(left));
        const auto line = [&](std::string name, auto&& time_of) {
            text_table::row cells{std::move(name)};
            for (const auto& r : reports) {
                const charge c = time_of(r[at]);
                cells.push_back(human(detail::each(c.total, r[at].tokens)));
                cells.push_back(detail::bound_name(r, c));
            }
            table.add(std::move(cells));
        };
        text_table::row names{"operation"}, rates{"tokens/s"};
        for (const auto& r : reports) {
            names.insert(names.end(), {r.device, ""});
            rates.insert(rates.end(), {three_digits(r[at].rate()), ""});
        }
        table.add(std::move(names));
        for (std::size_t i = 0; i < op_count; ++i)
            if (first.ops[i].calls != 0)
                line(std::string(to_string(static_cast<op>(i))), [&](const stage_total& s) { return s.ops[i].time; });
        line("overhead", [](const stage_total& s) { return s.overhead; });
        line("total", [](const stage_total& s) { return detail::everything(s); });
        table.add(std::move(rates));
        out << table << '\n';
    }
    for (const auto& r : reports) {
        out << r.device << ": " << r.basis << '\n';
        if (const auto warning = detail::misfit(r); !warning.empty()) out << r.device << ": " << warning << '\n';
    }
    return out;
}
/// The same, for what session::cost() gives.
inline std::ostream& operator<<(std::ostream& out, const std::vector<cost_report>& reports) {
    return out << std::span<const cost_report>(reports);
}

namespace detail {

// What is in every part of a report: seconds, and the seconds of each term.
inline void add_charge(json::object& to, const charge& c) {
    to.emplace_back("seconds", c.total.count);
    json::object terms;
    for (std::size_t i = 0; i < bound_count; ++i)
        terms.emplace_back(std::string(to_string(static_cast<bound>(i))), c.terms[i].count);
    to.emplace_back("terms", std::move(terms));
}
[[nodiscard]] inline json to_json(const op_total& o, bool modelled) {
    json::object x{{"calls", o.calls},
                   {"flops", o.arithmetic.count},
                   {"weight_bytes", o.weights.count},
                   {"cache_bytes", o.cache.count},
                   {"activation_bytes", o.activations.count}};
    if (modelled) {
        add_charge(x, o.time);
        if (o.time.total.count > 0) x.emplace_back("bound_by", to_string(o.time.bound_by()));
    } else {
        x.emplace_back("seconds", o.time.total.count);
    }
    return x;
}

[[nodiscard]] inline json to_json(const stage_total& s, bool modelled) {
    json::object x{{"passes", s.passes},
                   {"tokens", s.tokens},
                   {"seconds", s.time().count},
                   {"seconds_per_token", s.per_token().count},
                   {"tokens_per_second", s.rate()}};
    if (modelled && s.time().count > 0) x.emplace_back("bound_by", to_string(s.bound_by()));
    json::object overhead;
    if (modelled) add_charge(overhead, s.overhead);
    else overhead.emplace_back("seconds", s.overhead.total.count);
    x.emplace_back("overhead", std::move(overhead));
    json::object ops;
    for (std::size_t i = 0; i < op_count; ++i)
        if (s.ops[i].calls != 0)
            ops.emplace_back(std::string(to_string(static_cast<op>(i))), to_json(s.ops[i], modelled));
    x.emplace_back("ops", std::move(ops));
    return x;
}

}  // namespace detail

/// {"device", "basis", "modelled", "needed_bytes", "capacity_bytes", "fits", "prefill": {...}, "decode": {...}}; each
/// stage {"passes", "tokens", "seconds", "seconds_per_token", "tokens_per_second", "bound_by", "overhead",
/// "ops": {"norm": {...}, ...}}. What is not known is absent: capacity_bytes and fits where no capacity is stated,
/// bound_by and the "terms" of operations and overhead where time was measured, bound_by also where none was charged;
/// and so are stages and operations that did not run. @throws error{errc::out_of_memory}
[[nodiscard]] inline json to_json(const cost_report& r) {
    return or_out_of_memory([&]() -> json {
        json::object report{
            {"device", r.device}, {"basis", r.basis}, {"modelled", r.modelled}, {"needed_bytes", r.needed.count}};
        if (r.capacity != bytes{}) {
            report.emplace_back("capacity_bytes", r.capacity.count);
            report.emplace_back("fits", r.fits());
        }
        for (const stage at : detail::every_stage)
            if (r[at].passes != 0) report.emplace_back(std::string(to_string(at)), detail::to_json(r[at], r.modelled));
        return report;
    });
}
/// An array of those, in the same order.
[[nodiscard]] inline json to_json(std::span<const cost_report> reports) {
    return or_out_of_memory([&]() -> json {
        json::array all;
        for (const auto& r : reports) all.push_back(to_json(r));
        return all;
    });
}

}  // namespace wafer::inline WAFER_ABI
