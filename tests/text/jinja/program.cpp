// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include <wafer/text/jinja/program.hpp>

using namespace wafer;
using jinja::program;

namespace {

constexpr std::chrono::sys_seconds noon{std::chrono::sys_days{std::chrono::year{2024} / 7 / 6} +
                                        std::chrono::hours{13} + std::chrono::minutes{5}};

std::string render(std::string_view source, std::string_view variables = "{}") {
    jinja::value_dict given;
    const json parsed = json::parse(variables);  // outlives the loop over it
    for (const auto& [name, item] : parsed.as_object()) given.emplace_back(name, jinja::value(item));
    return program(source).render(given, noon);
}

// The value of one expression, as it prints.
std::string show(std::string_view expression, std::string_view variables = "{}") {
    return render("{{ " + std::string(expression) + " }}", variables);
}

std::string failure(std::string_view source, errc expected = errc::template_failed) {
    try {
        return "printed: " + render(source);
    } catch (const error& e) {
        CHECK(e.code() == expected);
        return e.what();
    }
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("jinja: numbers that came as JSON print as they were written") {
    constexpr const char* numbers =
        R"({"big":12345678901234567890,"next":12345678901234567891,"low":-12345678901234567890,"price":1.10,"e":1e2,
            "zero":-0,"all":[1.10,{"n":12345678901234567890}],"huge":1e400})";
    const auto shown = [&](std::string_view expression) { return show(expression, numbers); };
    CHECK(shown("big") == "12345678901234567890");
    CHECK(shown("price ~ ' ' ~ e ~ ' ' ~ zero") == "1.10 1e2 -0");
    CHECK(shown("all") == "[1.10, {'n': 12345678901234567890}]");
    CHECK(shown("all|tojson") == R"([1.10, {"n": 12345678901234567890}])");
    CHECK(shown("all|tojson(indent=1)") == "[\n 1.10,\n {\n  \"n\": 12345678901234567890\n }\n]");
    CHECK(shown("{big: price}|tojson") == R"({"12345678901234567890": 1.10})");
    CHECK(shown("huge|tojson ~ ' ' ~ huge") == "1e400 1e400");
    CHECK(shown("big|string ~ price|string") == "123456789012345678901.10");
    CHECK(shown("[price, big]|join('/')") == "1.10/12345678901234567890");
    // What is computed with them is printed as Python prints it.
    CHECK(shown("price + 1") == "2.1");
    CHECK(shown("-price") == "-1.1");
    CHECK(shown("e|float") == "100.0");
    CHECK(shown("e|int") == "100");
    CHECK(shown("'%.2f' % price") == "1.10");
    CHECK(shown("zero == 0 and price == 1.1 and e == 100") == "True");
}

TEST_CASE("jinja: integers beyond 64 bits are integers, exactly") {
    constexpr const char* numbers =
        R"({"big":12345678901234567890,"next":12345678901234567891,"low":-12345678901234567890,"least":9223372036854775808})";
    const auto shown = [&](std::string_view expression) { return show(expression, numbers); };
    CHECK(shown("[big is integer, big is float, big is number, 1.0 is integer]") == "[True, False, True, False]");
    CHECK(shown("[big == big, big == next, big < next, low < big, big > 1, big < 1.5]") ==
          "[True, False, True, True, True, False]");
    CHECK(shown("[big, next, big]|unique|list") == "[12345678901234567890, 12345678901234567891]");
    CHECK(shown("[next, big, 3, low]|sort") ==
          "[-12345678901234567890, 3, 12345678901234567890, 12345678901234567891]");
    CHECK(shown("big|int ~ ' ' ~ '0012345678901234567890'|int ~ ' ' ~ '-12345678901234567890'|int") ==
          "12345678901234567890 12345678901234567890 -12345678901234567890");
    CHECK(shown("-big ~ ' ' ~ +big ~ ' ' ~ low|abs ~ ' ' ~ big|abs ~ ' ' ~ -least") ==
          "-12345678901234567890 12345678901234567890 12345678901234567890 12345678901234567890 -9223372036854775808");
    CHECK(shown("big|round") == "12345678901234567890");
    CHECK(shown("'%d|%+d|%25d' % (big, big, low)") ==
          "12345678901234567890|+12345678901234567890|    -12345678901234567890");
    CHECK(shown("'{:,}|{}|{:d}'.format(low, big, big)") ==
          "-12,345,678,901,234,567,890|12345678901234567890|12345678901234567890");
    CHECK(shown("big / 2") == "6.172839450617284e+18");
    CHECK(shown("big * 1.0") == "1.2345678901234567e+19");
    for (const char* expression :
         {"big + 1", "1 - big", "big * big", "big % 10", "big // 3", "big ** 2", "[big, 1]|sum"}) {
        CAPTURE(expression);
        std::string reason;
        try {
            (void)shown(expression);
        } catch (const error& e) {
            reason = e.what();
        }
        CHECK(has(reason, "integer overflow (line 1"));
    }
    CHECK(show("[9223372036854775807, -9223372036854775807, 5]|sum") == "5");
    CHECK(show("[1, 2.5]|sum(start=1)") == "4.5");
}

TEST_CASE("jinja: a long number counts as the text that it is") {
    const std::string variables = "{\"n\":" + std::string(1'000'000, '7') + "}";
    CHECK(show("n|length", "{\"n\":[" + std::string(1000, '7') + "]}") == "1");
    CHECK(show("'{:,}'.format(n)|length", variables) == "1333333");
    const json parsed = json::parse(variables);
    const jinja::value_dict given{{"n", jinja::value(parsed.at("n"))}};
    const jinja::limits tight{.bytes = 1000, .steps_per_value = 0, .bytes_per_byte = 0};
    for (const char* source : {"{{ n }}", "{{ n|tojson }}", "{{ -n }}", "{{ '%d' % n }}"}) {
        CAPTURE(source);
        const auto failed = error_of([&] { (void)program(source).render(given, noon, tight); });
        REQUIRE(failed);
        CHECK(has(failed->what(), "bytes of text and values"));
    }
}

TEST_CASE("jinja: operators bind as in Jinja2") {
    CHECK(show("1 + 2 * 3") == "7");
    CHECK(show("(1 + 2) * 3") == "9");
    CHECK(show("2 ** 3 ** 2") == "64");  // Jinja2 folds powers from the left
    CHECK(show("-2 ** 2") == "4");
    CHECK(show("7 // 2 ~ 7 % 4") == "33");
    CHECK(show("-7 // 2") == "-4");
    CHECK(show("-7 % 4") == "1");
    CHECK(show("7 % -4") == "-1");
    CHECK(show("7 / 2") == "3.5");
    CHECK(show("1 ~ 2 == '12'") == "True");
    CHECK(show("not 1 == 2 and true") == "True");
    CHECK(show("1 < 2 < 3") == "True");
    CHECK(show("1 < 3 < 2") == "False");
    CHECK(show("'x' if false else 'y' if false else 'z'") == "z");
    CHECK(show("'x' if false") == "");
    CHECK(show("1 in [1, 2] and 3 not in [1, 2]") == "True");
    CHECK(show("not x is defined") == "True");
    CHECK(show("-3|abs") == "3");
    CHECK(show("[true == 1, 1 == 1.0, 'a' == 1]") == "[True, True, False]");
    CHECK(show("false or 'x'") == "x");
    CHECK(show("'' and 'x'") == "");
}

TEST_CASE("jinja: literals print as in Python") {
    CHECK(show("[1, 'a', none, true, 1.0, {'k': 'it\\'s'}]") == R"([1, 'a', None, True, 1.0, {'k': "it's"}])");
    CHECK(show("'a' \"b\" 'c'") == "abc");
    CHECK(show("'\\n\\t\\\\\\x41\\u00e9'") == "\n\t\\A\xC3\xA9");
    CHECK(show("1_000") == "1000");
    CHECK(show("1e3") == "1000.0");
    CHECK(show("(1,)|length ~ ()|length") == "10");
    CHECK(show("{'a': 1}.a + {'a': 1}['a']") == "2");
    CHECK(show("missing") == "");
}

TEST_CASE("jinja: white space around tags follows trim_blocks and lstrip_blocks") {
    CHECK(render("a\n  {% if true %}\nb\n  {% endif %}\nc") == "a\nb\nc");
    CHECK(render("a {%- if true -%} b {%- endif -%} c") == "abc");
    CHECK(render("a\n  {{ 1 }}\nb") == "a\n  1\nb");
    CHECK(render("a\n {{- 1 -}}\n b") == "a1b");
    CHECK(render("a\n  {# note #}\nb") == "a\nb");
    CHECK(render("a {#- note -#} b") == "ab");
    CHECK(render("  {%+ if true %}x{% endif %}") == "  x");
    CHECK(render("{% if true +%}\nx{% endif %}") == "\nx");
    CHECK(render("x {% if true %}y{% endif %}") == "x y");
    CHECK(render("a\n") == "a");
    CHECK(render("a\n\n") == "a\n");
    CHECK(render("a\r\n{% if true %}\r\nb{% endif %}") == "a\nb");
    CHECK(render("{% raw %}{{ x }}{% if %}{% endraw %}") == "{{ x }}{% if %}");
    CHECK(render("a {%- raw -%} b {%- endraw -%} c") == "abc");
    CHECK(render("{ % {") == "{ % {");
    CHECK(render("{{ {'a': {'b': 1}} }}") == "{'a': {'b': 1}}");
}

TEST_CASE("jinja: loops know where they are") {
    CHECK(render("{% for x in [1,2,3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.first }}{{ "
                 "loop.last }}{{ loop.length }};{% endfor %}") == "103TrueFalse3;212FalseFalse3;321FalseTrue3;");
    CHECK(render("{% for x in [1,2] %}{{ loop.previtem }}-{{ loop.nextitem }};{% endfor %}") == "-2;1-;");
    CHECK(render("{% for x in [1,2,3,4] if x % 2 == 0 %}{{ x }}/{{ loop.length }} {% endfor %}") == "2/2 4/2 ");
    CHECK(render("{% for x in [] %}{% else %}none{% endfor %}") == "none");
    CHECK(render("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}{{ v }}{% endfor %}") == "a1b2");
    CHECK(render("{% for x in range(10) %}{% if x == 2 %}{% continue %}{% elif x == 4 %}{% break %}{% endif %}{{ x "
                 "}}{% endfor %}") == "013");
    CHECK(render("{% for x in 'h\xC3\xA9' %}[{{ x }}]{% endfor %}") == "[h][\xC3\xA9]");
    CHECK(render("{% for x in [1,2,3] %}{{ loop.cycle('a', 'b') }}{% endfor %}") == "aba");
    CHECK(render("{% for x in missing %}{{ x }}{% endfor %}") == "");
    CHECK(render("{% for x in [1] if x %}{{ x }}{% endfor %}{{ x }}") == "1");
}

TEST_CASE("jinja: what is set in a loop stays there, what is set in a namespace or an if does not") {
    CHECK(render("{% set x = 1 %}{% for i in [1,2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}") == "231");
    CHECK(render("{% set ns = namespace(x=1) %}{% for i in [1,2] %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}") ==
          "4");
    CHECK(render("{% if true %}{% set x = 5 %}{% endif %}{{ x }}") == "5");
    CHECK(render("{% set a, b = 1, 2 %}{{ b }}{{ a }}") == "21");
    CHECK(render("{% set x %}a{{ 1 }}{% endset %}[{{ x }}]") == "[a1]");
    CHECK(render("{% set x | upper %}a{{ 1 }}{% endset %}[{{ x }}]") == "[A1]");
    CHECK(render("{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns['b'] }}{{ ns.c is defined }}") == "12False");
}

TEST_CASE("jinja: macros have defaults, keywords and a scope of their own") {
    CHECK(render("{% macro f(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }} {{ f(1, c=3) }} {{ f(b=5, "
                 "a=4) }}") == "121 123 454");
    CHECK(render("{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}") == "3210");
    CHECK(render("{% set x = 1 %}{% macro f() %}{{ x }}{% set x = 2 %}{{ x }}{% endmacro %}{{ f() }}{{ x }}") == "121");
    CHECK(render("{% macro f() %}{{ x }}{% endmacro %}{% for x in [1] %}[{{ f() }}]{% endfor %}") == "[]");
    CHECK(render("{% macro f() %} a {% endmacro %}{{ f()|trim|upper }}") == "A");
    CHECK(has(failure("{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}"), "at most 1"));
    CHECK(has(failure("{% macro f(a) %}{% endmacro %}{{ f(b=2) }}"), "no parameter 'b'"));
}

TEST_CASE("jinja: slices and subscripts count characters, from either end") {
    CHECK(show("[1,2,3,4][1:3]") == "[2, 3]");
    CHECK(show("[1,2,3][::-1]") == "[3, 2, 1]");
    CHECK(show("[1,2,3,4,5][-2:]") == "[4, 5]");
    CHECK(show("[1,2,3,4,5][4:0:-2]") == "[5, 3]");
    CHECK(show("[1,2,3][10:]") == "[]");
    CHECK(show("[1,2,3][:9223372036854775807:9223372036854775807]") == "[1]");
    CHECK(show("'h\xC3\xA9llo'[1:-1]") == "\xC3\xA9ll");
    CHECK(show("'abc'[-1] ~ 'abc'[0] ~ 'abc'[7]") == "ca");
    CHECK(show("[1,2][-1] ~ [[1,2],3].0.1") == "22");
    CHECK(show("x[1:]", R"({"x":[1,2]})") == "[2]");
}

TEST_CASE("jinja: string methods are those of Python") {
    CHECK(show("'a</t>b</t>c'.split('</t>')") == "['a', 'b', 'c']");
    CHECK(show("'a</t>b</t>c'.split('</t>', 1)[1]") == "b</t>c");
    CHECK(show("' a  b '.split()") == "['a', 'b']");
    CHECK(show("' a  b c '.split(none, 1)") == "['a', 'b c ']");
    CHECK(show("'a,b,c'.rsplit(',', 1)") == "['a,b', 'c']");
    CHECK(show("'xxaxx'.strip('x') ~ 'xxaxx'.lstrip('x') ~ 'xxaxx'.rstrip('x')") == "aaxxxxa");
    CHECK(show("'\\n a\xC2\xA0'.strip()") == "a");
    CHECK(show("'abc'.startswith('ab') and 'abc'.endswith(('x', 'bc')) and not 'abc'.startswith('b')") == "True");
    CHECK(show("'aXbX'.replace('X', '-') ~ 'aXbX'.replace('X', '-', 1) ~ 'ab'.replace('', '.')") == "a-b-a-bX.a.b.");
    CHECK(show("'hello world'.title() ~ 'ABC'.lower() ~ 'abc'.upper() ~ 'aBC'.capitalize()") == "Hello WorldabcABCAbc");
    CHECK(show("'abcabc'.find('c') ~ 'abcabc'.rfind('c') ~ 'abc'.find('x') ~ 'aXbX'.count('X')") == "25-12");
    CHECK(show("', '.join(['a', 'b'])") == "a, b");
    CHECK(show("'a\\nb\\r\\nc'.splitlines()") == "['a', 'b', 'c']");
    CHECK(show("'abc'.removeprefix('a').removesuffix('c')") == "b");
    CHECK(show("'12'.isdigit() ~ 'ab'.isalpha() ~ ''.isdigit()") == "TrueTrueFalse");
}

TEST_CASE("jinja: dict and list methods") {
    CHECK(show("{'a': 1}.get('a') ~ {'a': 1}.get('b', 2) ~ {'a': 1}.get('b')") == "12None");
    CHECK(show("{'a': 1, 'b': 2}.keys()|list") == "['a', 'b']");
    CHECK(show("{'a': 1, 'b': 2}.values()|list") == "[1, 2]");
    CHECK(show("x['items'] ~ x.items()", R"({"x":{"items":1}})") == "1[('items', 1)]");
    CHECK(show("'a' in {'a': 1} and 'b' not in {'a': 1}") == "True");
    CHECK(show("[1, 2].index(2)") == "1");
    CHECK(show("dict(a=1, b=2)") == "{'a': 1, 'b': 2}");
}

TEST_CASE("jinja: filters") {
    CHECK(show("' a '|trim ~ 'h\xC3\xA9'|length ~ 'a'|upper") == "a2A");
    CHECK(show("missing|default('x') ~ ''|default('y') ~ ''|default('z', true)") == "xz");
    CHECK(show("[1, 2, 3]|join(', ') ~ [1, 2]|first ~ [1, 2]|last") == "1, 2, 312");
    CHECK(show("[{'a': 1}, {'a': 2}]|map(attribute='a')|list") == "[1, 2]");
    CHECK(show("['a', 'b']|map('upper')|join") == "AB");
    CHECK(show("[{'r': 'u', 'n': 1}, {'r': 's', 'n': 2}]|selectattr('r', 'equalto', 'u')|map(attribute='n')|list") ==
          "[1]");
    CHECK(show("[{'r': 1}, {'x': 2}]|rejectattr('r', 'defined')|list") == "[{'x': 2}]");
    CHECK(show("[1, 2, 3]|reject('equalto', 2)|list ~ [0, 1]|select|list") == "[1, 3][1]");
    CHECK(show("[3, 1, 2]|sort ~ ['b', 'A']|sort ~ [1, 2]|sort(reverse=true)") == "[1, 2, 3]['A', 'b'][2, 1]");
    CHECK(show("[1, 1, 2]|unique|list ~ [1, 2]|sum ~ [1, 5, 2]|max ~ [3, 2]|min") == "[1, 2]352");
    CHECK(show("{'b': 1, 'a': 2}|dictsort ~ {'a': 1}|items|list") == "[('a', 2), ('b', 1)][('a', 1)]");
    CHECK(show("'12'|int + 'x'|int(3) + 2.9|int") == "17");
    CHECK(show("'abc'|reverse ~ [1, 2]|reverse|list") == "cba[2, 1]");
    CHECK(show("'a\\nb\\n\\nc'|indent(2)") == "a\n  b\n\n  c");
    CHECK(show("'<a>'|e ~ 2.567|round(2) ~ 1|string") == "&lt;a&gt;2.571");
    CHECK(show("'aXb'|replace('X', '-')") == "a-b");
}

TEST_CASE("jinja: tojson prints as Python's json.dumps") {
    CHECK(show("x|tojson", R"({"x":{"b":[1,2.0,"\u00e9\n\"",null,true],"a":{}}})") ==
          "{\"b\": [1, 2.0, \"\xC3\xA9\\n\\\"\", null, true], \"a\": {}}");
    CHECK(show("x|tojson(indent=2)", R"({"x":{"b":[1],"a":[]}})") == "{\n  \"b\": [\n    1\n  ],\n  \"a\": []\n}");
    CHECK(has(failure("{{ missing|tojson }}"), "undefined 'missing' is not JSON serializable"));
}

TEST_CASE("jinja: tests") {
    CHECK(show("x is defined ~ y is not defined ~ none is none", R"({"x":1})") == "TrueTrueTrue");
    CHECK(
        show("'a' is string and {} is mapping and [] is sequence and 1 is number and 1 is integer and 1.5 is float") ==
        "True");
    CHECK(show("'a' is mapping or 1 is string or 1 is iterable or {} is string") == "False");
    CHECK(show("true is boolean and true is true and 1 is not true and false is false") == "True");
    CHECK(show("1 is equalto 1 and 1 is ne(2) and 1 is in [1, 2] and 4 is divisibleby 2 and 3 is odd and 2 is even") ==
          "True");
    CHECK(show("range is callable and x is undefined") == "True");
}

TEST_CASE("jinja: functions") {
    CHECK(show("range(3)|list ~ range(1, 4)|list ~ range(5, 0, -2)|list ~ range(0)|list") ==
          "[0, 1, 2][1, 2, 3][5, 3, 1][]");
    CHECK(show("range(9223372036854775807, -9223372036854775807, -9223372036854775807)|length") == "2");
    CHECK(show("strftime_now('%Y-%m-%d %H:%M:%S %B %b %A %a %j %-d %-m %I %p %y %e %%')") ==
          "2024-07-06 13:05:00 July Jul Saturday Sat 188 6 7 01 PM 24  6 %");
    CHECK(has(failure("{{ raise_exception('no ' ~ 'way') }}"), "no way"));
}

TEST_CASE("jinja: undefined is empty until it is used") {
    CHECK(show("missing ~ (missing|length) ~ (missing|list) ~ ('a' in missing)") == "0[]False");
    CHECK(show("x.a is defined ~ x.a", R"({"x":{}})") == "False");
    CHECK(has(failure("{{ missing.a }}"), "'missing' is undefined"));
    CHECK(has(failure("{{ missing['a'] }}"), "'missing' is undefined"));
    CHECK(has(failure("{{ missing + 'a' }}"), "undefined 'missing'"));
    CHECK(has(failure("{{ missing() }}"), "cannot be called"));
    CHECK(has(failure("{{ 'a' < missing }}"), "cannot compare"));
}

TEST_CASE("jinja: generation tags leave their content") {
    CHECK(render("a{% generation %}b{% endgeneration %}c") == "abc");
}

TEST_CASE("jinja: errors of syntax say line and column") {
    const auto parse_failure = [](std::string_view source) { return failure(source, errc::bad_template); };
    CHECK(has(parse_failure("a\n{{ 1 + }}"), "line 2, column 8"));
    CHECK(has(parse_failure("{% frob %}"), "unknown statement \"frob\""));
    CHECK(has(parse_failure("{% if true %}"), "missing \"endif\""));
    CHECK(has(parse_failure("{% for x in y %}{% endif %}"), "unknown statement \"endif\""));
    for (const char* source : {"{{",
                               "{%",
                               "{#",
                               "{{ 'a }}",
                               "{{ a b }}",
                               "{{ 1 | }}",
                               "{{ [1, }}",
                               "{{ a.[1] }}",
                               "{{ f(a=1, 2) }}",
                               "{% set = 1 %}",
                               "{% set x %}",
                               "{% endfor %}",
                               "{% break %}",
                               "{% macro f(%}",
                               "{{ a ? b }}",
                               "{% raw %}",
                               "{{ x is }}",
                               "{{ 'a\\u12' }}",
                               "{{ 99999999999999999999 }}",
                               "{% else %}",
                               "{{ }}",
                               "{% %}",
                               "{% if %}{% endif %}",
                               "\xFF",
                               "{% call f %}{% endcall %}",
                               "{% call f() %}",
                               "{% filter %}{% endfilter %}",
                               "{% with a %}{% endwith %}",
                               "{% for x in y %}{% call f() %}{% break %}{% endcall %}{% endfor %}",
                               "{% include 'x' %}"})
        CHECK_MESSAGE(!has(parse_failure(source), "printed"), source);
}

TEST_CASE("jinja: errors at run time say line and column") {
    CHECK(has(failure("a\n  {{ 1 // 0 }}"), "division by zero (line 2, column 8)"));
    CHECK(has(failure("{{ 'a' + 1 }}"), "'+' cannot combine string and integer"));
    CHECK(has(failure("{{ 1|frob }}"), "unknown filter 'frob'"));
    CHECK(has(failure("{{ 1 is frob }}"), "unknown test 'frob'"));
    CHECK(has(failure("{{ 'a'.frob() }}"), "no method 'frob'"));
    CHECK(has(failure("{% set x.a = 1 %}"), "only of a namespace"));
    CHECK(has(failure("{% for x in 1 %}{% endfor %}"), "not iterable"));
    CHECK(has(failure("{% for a, b in [[1]] %}{% endfor %}"), "cannot unpack"));
    CHECK(has(failure("{{ 9223372036854775807 + 1 }}"), "overflow"));
    CHECK(has(failure("{{ (-9223372036854775807 - 1) // -1 }}"), "overflow"));
    CHECK(has(failure("{{ 2 ** 64 }}"), "overflow"));
    CHECK(has(failure("{{ [1, 'a']|sort }}"), "cannot compare"));
}

TEST_CASE("jinja: arithmetic at the edges of 64 bits is right or refused") {
    const auto shown = [](const char* source) { return jinja::program(source).render({}, {}, {}); };
    CHECK(shown("{{ 9223372036854775806 % 9223372036854775807 }}") == "9223372036854775806");
    CHECK(shown("{{ -7 % 3 }} {{ 7 % -3 }} {{ -7 // 2 }} {{ 6 % -3 }}") == "2 -2 -4 0");
    CHECK(shown("{{ 123|round(-1) }}") == "120");
    CHECK_THROWS_AS((void)shown("{{ 9223372036854775807|round(-19) }}"), error);
}
