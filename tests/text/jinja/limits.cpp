// SPDX-License-Identifier: MIT
// Templates that try to take all time, stack or memory: each ends in a typed error, soon.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <wafer/text/jinja/program.hpp>

using namespace wafer;

namespace {

std::string repeat(std::string_view unit, std::size_t n) {
    std::string out;
    for (; n > 0; --n) out += unit;
    return out;
}

errc outcome(std::string_view source, const jinja::limits& bounds = {}) {
    const auto start = std::chrono::steady_clock::now();
    errc code = errc::cancelled;  // stands for "rendered"
    try {
        (void)jinja::program(source).render({}, {}, bounds);
    } catch (const error& e) {
        code = e.code();
    }
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));  // sanitizers included
    return code;
}

}  // namespace

TEST_CASE("jinja limits: endless work is stopped") {
    const jinja::limits small{.steps = 100'000};
    for (const char* source :
         {"{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}",
          "{{ range(9223372036854775807) }}", "{{ range(-9223372036854775807, 9223372036854775807) }}",
          "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
          "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(30) }}",
          "{% set ns = namespace(l=[1]) %}{% for i in range(200) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
          "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(200) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = "
          "[ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
          "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(200) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = "
          "[ns.m, ns.m] %}{% endfor %}{{ ns.l < ns.m }}",
          "{% set ns = namespace(l=[1]) %}{% for i in range(200) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ "
          "ns.l|tojson }}"})
        CHECK_MESSAGE(outcome(source, small) == errc::template_failed, source);
}

TEST_CASE("jinja limits: endless output and memory are stopped") {
    for (const char* source :
         {"{{ 'a' * 9223372036854775807 }}", "{{ ['a', 'b'] * 9223372036854775807 }}",
          "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
          "{% set ns = namespace(l=[1, 2]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
          "{% set ns = namespace(s='a' * 1000000) %}{% for i in range(100000) %}{{ ns.s }}{% endfor %}",
          "{% set s = 'a' * 1000000 %}{{ ([s] * 100000)|join }}", "{% set s = 'a' * 1000000 %}{{ s.replace('', s) }}",
          "{% set s = 'a' * 1000000 %}{{ s.split('a')|join(s) }}",
          "{{ range(1000)|list|tojson(separators=['a' * 1000000, ':']) }}",
          "{{ range(100000)|list|tojson(indent=32) }}", "{{ [range(100000)|list]|tojson(indent=32) }}",
          "{% set s = '\\n' * 100000 %}{{ s|indent(1000, true, true) }}"})
        CHECK_MESSAGE(outcome(source, {.bytes = 16u << 20}) == errc::template_failed, source);
}

TEST_CASE("jinja limits: searches that would take quadratic time are stopped") {
    CHECK(outcome("{% set s = 'a' * 4000000 %}{{ ('a' * 2000000 ~ 'b') in s }}", {.steps = 1'000'000}) ==
          errc::template_failed);
    CHECK(outcome("{% set s = 'a' * 1000000 %}{% for i in range(100000) %}{% set x = s[i] %}{% endfor %}",
                  {.steps = 1'000'000}) == errc::template_failed);
}

TEST_CASE("jinja limits: work grows with the square of what a template holds, and is counted") {
    std::string keys, arguments, names;
    for (int i = 10'000; i < 20'000; ++i) {
        const std::string key = "k" + std::to_string(i);
        keys += "'" + key + "': 0,";
        arguments += key + "=0,";
        names += key + ",";
    }
    const jinja::limits small{.steps = 1'000'000};
    for (const std::string& source :
         {"{{ {" + keys + "}|length }}", "{{ dict(" + arguments + ")|length }}",
          "{% set ns = namespace(" + arguments + ") %}",
          "{% macro f(" + names + ") %}{% endmacro %}{{ f(" + arguments + ") }}",
          "{% macro f() %}{{ kwargs|length }}{% endmacro %}{% set d = {" + keys.substr(0, 12 * 300) +
              "} %}{% for i in range(10000) %}{{ f(**d) }}{% endfor %}"})
        CHECK_MESSAGE(outcome(source, small) == errc::template_failed, source.substr(0, 80));
    for (const char* source :
         {"{% set ns = namespace(a=0, b=0, c=0) %}{% for i in range(1000000) %}{{ ns.d }}{% endfor %}",
          "{% set s = 'a' * 100000 %}{% for i in range(100000) %}{{ s.isalpha() }}{% endfor %}",
          "{% set s = 'a' * 100000 %}{% for i in range(100000) %}{{ s.count('') }}{% endfor %}",
          "{% set s = 'a' * 100000 %}{% for i in range(100000) %}{{ s.center(1)|length }}{% endfor %}",
          "{% set s = 'a' * 100000 %}{% for i in range(100000) %}{{ s == 'b' ~ s[1:] }}{% endfor %}"})
        CHECK_MESSAGE(outcome(source, small) == errc::template_failed, source);
}

TEST_CASE("jinja limits: what reads little costs little") {
    const jinja::limits small{.steps = 100'000, .bytes = 1u << 20};
    const std::string text = "{% set s = 'ab' * 100000 %}{% for i in range(1000) %}";
    for (const char* body :
         {"{{ s == 'b' }}", "{{ s[0] }}{{ s[-1] }}{{ s[:5] }}{{ s[-5:] }}", "{{ s < 'b' }}", "{{ s in ['a', 'b'] }}",
          "{{ s.startswith('ab', 1) }}", "{{ s.strip is callable }}", "{% if s == s %}{% endif %}"})
        CHECK_MESSAGE(outcome(text + body + "{% endfor %}", small) == errc::cancelled, body);
    CHECK(outcome("{{ ('word ' * 20000).split()|length }}", {.steps = 100'000}) == errc::cancelled);
    CHECK(outcome("{% set s = 'ab' * 100000 %}{{ ('b' ~ s ~ 'c') in s ~ s ~ 'c' }}", {.steps = 100'000}) ==
          errc::template_failed);
}

TEST_CASE("jinja limits: they grow with the variables") {
    // Each message looks at all messages: more than a million pairs.
    const jinja::program quadratic(
        "{% for m in messages %}{% for n in messages %}{% if n.role == 'x' %}{% endif %}{% endfor %}{% endfor %}");
    json messages(json::array{});
    for (int i = 0; i < 1500; ++i) messages.push_back(json().set("role", "user").set("content", "Hello."));
    const jinja::value_dict variables{{"messages", jinja::value(messages)}};
    CHECK(quadratic.render(variables, {}).empty());
    CHECK_THROWS_AS((void)quadratic.render(variables, {}, {.steps_per_value = 0}), error);
    const jinja::program copies("{% for i in range(300) %}{% set x = text ~ '' %}{% endfor %}");
    const jinja::value_dict text{{"text", std::string(1u << 20, 'a')}};
    CHECK_THROWS_AS((void)copies.render(text, {}), error);
    CHECK(copies.render(text, {}, {.bytes_per_byte = 1000}).empty());
}

TEST_CASE("jinja limits: a template has a size, and a name a length") {
    CHECK(outcome(repeat(" ", 1u << 20)) == errc::cancelled);
    CHECK(outcome(repeat(" ", (1u << 20) + 1)) == errc::bad_template);
    CHECK(outcome("{{ " + repeat("a", 256) + " }}") == errc::cancelled);
    CHECK(outcome("{{ " + repeat("a", 257) + " }}") == errc::bad_template);
}

TEST_CASE("jinja limits: values nested too deeply are refused with their place") {
    for (const char* item : {"[ns.l]", "(ns.l,)", "{'a': ns.l}", "{(ns.l,): 1}|items|list", "dict(a=ns.l)",
                             "[ns.l]|map('list')|list", "[ns.l].copy", "[ns.l]|batch(1)|list"}) {
        std::string reason;
        try {
            (void)jinja::program("{% set ns = namespace(l=[]) %}\n{% for i in range(1000) %}{% set ns.l = [" +
                                 std::string(item) + "] %}{% endfor %}")
                .render({}, {});
        } catch (const error& e) {
            reason = e.what();
        }
        CHECK_MESSAGE(reason.find("nested too deeply (line 2, column ") != reason.npos, item, reason);
    }
}

TEST_CASE("jinja limits: depth is bounded in the text, in recursion and in values") {
    const std::size_t n = 20'000;
    CHECK(outcome("{{ " + repeat("(", n) + "1" + repeat(")", n) + " }}") == errc::bad_template);
    CHECK(outcome("{{ " + repeat("[", n) + repeat("]", n) + " }}") == errc::bad_template);
    CHECK(outcome("{{ " + repeat("not ", n) + "1 }}") == errc::bad_template);
    CHECK(outcome("{{ " + repeat("-", n) + "1 }}") == errc::bad_template);
    CHECK(outcome("{{ 1" + repeat(" + 1", n) + " }}") == errc::bad_template);
    CHECK(outcome("{{ 1" + repeat("|abs", n) + " }}") == errc::bad_template);
    CHECK(outcome("{{ a" + repeat(".b", n) + " }}") == errc::bad_template);
    CHECK(outcome("{{ 1" + repeat(" if 1 else 1", n) + " }}") == errc::bad_template);
    CHECK(outcome("{{ f(" + repeat("a=f(", n)) == errc::bad_template);
    CHECK(outcome("{{ 1" + repeat(" is defined", n) + " }}") == errc::bad_template);
    CHECK(outcome(repeat("{% if 1 %}", n)) == errc::bad_template);
    CHECK(outcome(repeat("{% for a in b %}", n)) == errc::bad_template);
    CHECK(outcome("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}") == errc::template_failed);
    CHECK(outcome("{% set ns = namespace(l=[]) %}{% for i in range(100000) %}{% set ns.l = [ns.l] %}{% endfor %}") ==
          errc::template_failed);
    CHECK(outcome("{% set ns = namespace(l=[]) %}{% for i in range(100000) %}{% for x in [ns.l] %}{% set ns.l = loop "
                  "%}{% endfor %}{% endfor %}") == errc::template_failed);
}

TEST_CASE("jinja limits: a namespace that holds itself is harmless") {
    CHECK(outcome("{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns }}{{ ns.a }}{{ ns == ns.a[0] }}") ==
          errc::cancelled);
    CHECK(outcome("{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns.a|tojson }}") == errc::template_failed);
}

TEST_CASE("jinja limits: many branches and many statements are no depth") {
    CHECK(outcome("{% if 0 %}" + repeat("{% elif 0 %}", 10'000) + "{% endif %}") == errc::cancelled);
    CHECK(outcome(repeat("{{ 1 }}", 10'000)) == errc::cancelled);
}

TEST_CASE("jinja limits: bounds and times that a host makes up are checked") {
    const char* const recursive = "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}";
    for (const int depth : {-1, jinja::limits::most_depth + 1, 1'000'000, 2'147'483'647})
        CHECK(outcome(recursive, {.depth = depth}) == errc::invalid_argument);
    for (const int depth : {0, 1, jinja::limits::most_depth})
        CHECK(outcome(recursive, {.depth = depth}) == errc::template_failed);
    CHECK(outcome("{{ 1 }}", {.steps = 0}) == errc::template_failed);
    CHECK(outcome("{{ [1] }}", {.bytes = 0}) == errc::template_failed);
    const auto at = [](std::chrono::sys_seconds now) {
        const auto failed =
            error_of([&] { (void)jinja::program("{{ strftime_now('%Y-%m-%d %H:%M:%S %j') }}").render({}, now); });
        return failed ? failed->code() : errc::cancelled;
    };
    using namespace std::chrono;
    for (const auto now :
         {sys_seconds::min(), sys_seconds::max(), sys_seconds(sys_days{year{0} / 1 / 1}) - std::chrono::seconds{1},
          sys_seconds(sys_days{year{10000} / 1 / 1})})
        CHECK(at(now) == errc::invalid_argument);
    for (const auto now : {sys_seconds{}, sys_seconds(sys_days{year{0} / 1 / 1}),
                           sys_seconds(sys_days{year{10000} / 1 / 1}) - std::chrono::seconds{1}})
        CHECK(at(now) == errc::cancelled);
    const jinja::value_dict odd{{jinja::value(std::int64_t{1}), jinja::value("x")}};
    const auto failed = error_of([&] { (void)jinja::program("{{ 1 }}").render(odd, {}); });
    REQUIRE(failed);
    CHECK(failed->code() == errc::invalid_argument);
}

TEST_CASE("jinja limits: values that a host nests are bounded while they are built") {
    const auto lists = error_of([] {
        jinja::value v;
        for (int i = 0; i < 500'000; ++i) {
            jinja::value_list items;
            items.push_back(std::move(v));
            v = jinja::value(std::move(items));
        }
    });
    const auto dicts = error_of([] {
        jinja::value v;
        for (int i = 0; i < 500'000; ++i) {
            jinja::value_dict members;
            members.emplace_back("k", std::move(v));
            v = jinja::value(std::move(members));
        }
    });
    const auto methods = error_of([] {
        const jinja::native_function f = [](jinja::runtime&, const jinja::arguments&) { return jinja::value(); };
        jinja::value v;
        for (int i = 0; i < 500'000; ++i) v = jinja::value(f, std::move(v));
    });
    const auto loops = error_of([] {
        jinja::value v;
        for (int i = 0; i < 500'000; ++i) {
            jinja::value_list items;
            items.push_back(std::move(v));
            v = jinja::value(std::make_shared<const jinja::loop_state>(jinja::value(std::move(items))));
        }
    });
    for (const auto& failed : {lists, dicts, methods, loops}) {
        REQUIRE(failed);
        CHECK(failed->code() == errc::template_failed);
    }
}
