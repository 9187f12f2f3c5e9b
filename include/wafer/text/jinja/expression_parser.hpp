// SPDX-License-Identifier: MIT
// L1 text/jinja: expressions, with Jinja's precedence. Recursion is bounded, so that none can exhaust the stack.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/text/jinja/ast.hpp>
#include <wafer/text/jinja/lexer.hpp>

namespace wafer::inline WAFER_ABI::jinja {

/// Reads expressions from tokens; parser adds the statements around them.
class expression_parser {
public:
    static constexpr int max_height = 200;  // of one expression

protected:
    explicit expression_parser(std::string_view source) : source_(source), tokens_(lexer(source).run()) {}

    [[nodiscard]] const token& now() const noexcept { return tokens_[at_]; }
    [[nodiscard]] const token& ahead() const noexcept { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
    const token& take() noexcept { return tokens_[at_++]; }  // @pre not at the end
    [[noreturn]] void fail(std::string_view what) const { fail_parse(source_, now().offset, what); }

    static bool is_one(const token& t, token_kind kind, std::initializer_list<std::string_view> texts) {
        return t.kind == kind && std::find(texts.begin(), texts.end(), t.text) != texts.end();
    }
    [[nodiscard]] bool at_symbol(std::string_view text) const { return is_one(now(), token_kind::symbol, {text}); }
    [[nodiscard]] bool at_name(std::string_view text) const { return is_one(now(), token_kind::name, {text}); }
    bool take_symbol(std::string_view text) { return at_symbol(text) && ++at_; }
    bool take_name(std::string_view text) { return at_name(text) && ++at_; }
    void expect_symbol(std::string_view text) {
        if (!take_symbol(text)) fail("expected \"" + std::string(text) + "\"");
    }
    void expect(token_kind kind, std::string_view what) {
        if (now().kind != kind) fail("expected " + std::string(what));
        ++at_;
    }
    std::string expect_name(std::string_view what) {
        if (now().kind != token_kind::name) fail("expected " + std::string(what));
        return take().text;
    }

    // Whether a name stands between that token and the next one to read.
    [[nodiscard]] bool mentions(std::size_t begin, std::string_view name) const {
        const auto at = [&](std::size_t i) { return tokens_.begin() + static_cast<std::ptrdiff_t>(i); };
        return std::any_of(at(begin), at(at_), [&](const token& t) { return is_one(t, token_kind::name, {name}); });
    }

    struct nesting_guard {
        int& depth;
        ~nesting_guard() { --depth; }
    };

    using node = std::unique_ptr<expression>;

    [[nodiscard]] node make(expression_kind kind) const {
        auto out = std::make_unique<expression>();
        out->kind = kind;
        out->offset = now().offset;
        return out;
    }
    void adopt(expression& parent, expression_ptr child) const {
        if (child) {
            parent.height = std::max(parent.height, child->height + 1);
            if (parent.height > max_height)
                fail("expression is nested more than " + std::to_string(max_height) + " deep");
        }
        parent.operands.push_back(std::move(child));
    }
    [[nodiscard]] node make_binary(std::string name, std::uint32_t offset, expression_ptr left,
                                   expression_ptr right) const {
        node out = make(expression_kind::binary);
        out->offset = offset;
        out->name = std::move(name);
        adopt(*out, std::move(left));
        adopt(*out, std::move(right));
        return out;
    }

    // An expression, or several separated by commas, which make a tuple.
    expression_ptr parse_tuple(bool conditional = true) {
        expression_ptr first = parse_or_conditional(conditional);
        if (!at_symbol(",")) return first;
        node out = make(expression_kind::tuple);
        adopt(*out, std::move(first));
        while (take_symbol(",") && now().kind != token_kind::block_end && now().kind != token_kind::output_end &&
               !is_one(now(), token_kind::symbol, {")", "]"}) && (conditional || !at_name("recursive")))
            adopt(*out, parse_or_conditional(conditional));
        return out;
    }

    expression_ptr parse_expression() { return parse_or_conditional(true); }

    expression_ptr parse_or_conditional(bool conditional) {
        if (depth_ >= max_height) fail("expression is nested more than " + std::to_string(max_height) + " deep");
        const nesting_guard guard{++depth_};
        expression_ptr out = parse_or();
        while (conditional && at_name("if")) {
            node choice = make(expression_kind::conditional);
            ++at_;
            adopt(*choice, std::move(out));
            adopt(*choice, parse_or());
            adopt(*choice, take_name("else") ? parse_expression() : nullptr);
            out = std::move(choice);
        }
        return out;
    }

    template <class Next>
    expression_ptr parse_left(token_kind kind, std::initializer_list<std::string_view> operators, Next next) {
        expression_ptr out = next();
        while (is_one(now(), kind, operators)) {
            const token& op = take();
            expression_ptr right = next();
            out = make_binary(op.text, op.offset, std::move(out), std::move(right));
        }
        return out;
    }
    expression_ptr parse_or() {
        return parse_left(token_kind::name, {"or"}, [&] { return parse_and(); });
    }
    expression_ptr parse_and() {
        return parse_left(token_kind::name, {"and"}, [&] { return parse_not(); });
    }

    expression_ptr parse_prefix(expression_ptr (expression_parser::*operand)()) {
        if (depth_ >= max_height) fail("expression is nested more than " + std::to_string(max_height) + " deep");
        const nesting_guard guard{++depth_};
        node out = make(expression_kind::unary);
        out->name = take().text;
        adopt(*out, (this->*operand)());
        return out;
    }
    expression_ptr parse_not() {
        return at_name("not") ? parse_prefix(&expression_parser::parse_not) : parse_comparison();
    }

    expression_ptr parse_comparison() {
        expression_ptr first = parse_sum();
        node chain;
        while (true) {
            std::string op;
            if (is_one(now(), token_kind::symbol, {"==", "!=", "<", "<=", ">", ">="}) || at_name("in")) op = now().text;
            else if (at_name("not") && is_one(ahead(), token_kind::name, {"in"})) op = "not in";
            else break;
            if (!chain) {
                chain = make(expression_kind::comparison);
                adopt(*chain, std::move(first));
            }
            at_ += op == "not in" ? std::size_t{2} : std::size_t{1};
            chain->operators.push_back(std::move(op));
            adopt(*chain, parse_sum());
        }
        return chain ? std::move(chain) : std::move(first);
    }

    expression_ptr parse_sum() {
        return parse_left(token_kind::symbol, {"+", "-"}, [&] { return parse_join(); });
    }
    expression_ptr parse_join() {
        return parse_left(token_kind::symbol, {"~"}, [&] { return parse_product(); });
    }
    expression_ptr parse_product() {
        return parse_left(token_kind::symbol, {"*", "/", "//", "%"}, [&] { return parse_power(); });
    }
    // As in Jinja, powers fold from the left and a sign binds more tightly than they do.
    expression_ptr parse_power() {
        return parse_left(token_kind::symbol, {"**"}, [&] { return parse_filters(parse_unary()); });
    }
    // Filters come after this: one that follows a signed number applies to the signed number.
    expression_ptr parse_unary() {
        if (at_symbol("-") || at_symbol("+")) return parse_prefix(&expression_parser::parse_unary);
        return parse_postfix(parse_primary());
    }

    expression_ptr parse_primary() {
        node out = make(expression_kind::constant);
        const token& t = now();
        switch (t.kind) {
            case token_kind::string: {
                std::string text;
                while (now().kind == token_kind::string) text += take().text;  // adjacent literals are one
                out->literal = std::move(text);
                return out;
            }
            case token_kind::integer: out->literal = number<std::int64_t>(); return out;
            case token_kind::real: out->literal = number<double>(); return out;
            case token_kind::name: parse_name(*out); return out;
            default: break;
        }
        if (take_symbol("(")) {
            if (!take_symbol(")")) {
                expression_ptr inner = parse_tuple();
                expect_symbol(")");
                return inner;
            }
            out->kind = expression_kind::tuple;
            return out;
        }
        if (take_symbol("[")) {
            out->kind = expression_kind::list;
            while (!take_symbol("]")) {
                adopt(*out, parse_expression());
                if (!at_symbol("]")) expect_symbol(",");
            }
            return out;
        }
        if (take_symbol("{")) {
            out->kind = expression_kind::dict;
            while (!take_symbol("}")) {
                adopt(*out, parse_expression());
                expect_symbol(":");
                adopt(*out, parse_expression());
                if (!at_symbol("}")) expect_symbol(",");
            }
            return out;
        }
        fail("expected an expression");
    }

    template <class T>
    T number() {
        const std::string& text = now().text;
        T out{};
        if (std::from_chars(text.data(), text.data() + text.size(), out).ec != std::errc{})
            fail("number is out of range");
        ++at_;
        return out;
    }

    void parse_name(expression& out) {
        const std::string& name = take().text;
        if (name == "true" || name == "True") out.literal = true;
        else if (name == "false" || name == "False") out.literal = false;
        else if (name == "none" || name == "None") out.literal = nullptr;
        else {
            out.kind = expression_kind::variable;
            out.name = name;
        }
    }

    // Attributes, subscripts and calls.
    expression_ptr parse_postfix(expression_ptr base) {
        while (true) {
            if (at_symbol(".")) {
                node out = make(expression_kind::attribute);
                ++at_;
                adopt(*out, std::move(base));
                if (now().kind == token_kind::integer) {  // x.0 is x[0]
                    out->kind = expression_kind::subscript;
                    node index = make(expression_kind::constant);
                    index->literal = number<std::int64_t>();
                    adopt(*out, std::move(index));
                } else {
                    out->name = expect_name("an attribute name");
                }
                base = std::move(out);
            } else if (at_symbol("[")) {
                base = parse_subscript(std::move(base));
            } else if (at_symbol("(")) {
                node out = make(expression_kind::call);
                adopt(*out, std::move(base));
                parse_arguments(*out);
                base = std::move(out);
            } else {
                return base;
            }
        }
    }

    expression_ptr parse_filters(expression_ptr base) {
        while (true) {
            if (at_symbol("|")) {
                node out = make(expression_kind::filter);
                ++at_;
                out->name = expect_name("a filter's name");
                adopt(*out, std::move(base));
                if (at_symbol("(")) parse_arguments(*out);
                base = std::move(out);
            } else if (at_name("is")) {
                base = parse_test(std::move(base));
            } else {
                return base;
            }
        }
    }

    expression_ptr parse_subscript(expression_ptr base) {
        node out = make(expression_kind::subscript);
        ++at_;
        adopt(*out, std::move(base));
        expression_ptr first = at_symbol(":") ? nullptr : parse_tuple();
        const bool slice = at_symbol(":");
        adopt(*out, std::move(first));
        if (slice) {
            out->kind = expression_kind::slice;
            for (int part = 0; part < 2; ++part) {
                const bool given = take_symbol(":") && !at_symbol(":") && !at_symbol("]");
                adopt(*out, given ? parse_expression() : nullptr);
            }
        }
        expect_symbol("]");
        return out;
    }

    void parse_arguments(expression& call) {
        expect_symbol("(");
        bool spread = false, last = false;  // after *, after **
        while (!take_symbol(")")) {
            const bool keyword = now().kind == token_kind::name && is_one(ahead(), token_kind::symbol, {"="});
            const bool star = at_symbol("*"), stars = at_symbol("**");
            if (last || (spread && star) || (!keyword && !star && !stars && !call.named.empty()))
                fail("arguments are out of order: values, then names and one *, then one **");
            if (keyword || star || stars) {
                std::string name = take().text;
                if (keyword) ++at_;
                spread = spread || star;
                last = stars;
                expression_ptr argument = parse_expression();
                call.height = std::max(call.height, argument->height + 1);
                call.named.emplace_back(std::move(name), std::move(argument));
            } else {
                adopt(call, parse_expression());
            }
            if (!at_symbol(")")) expect_symbol(",");
        }
    }

    // x is [not] name, name(arguments) or name argument, where the argument is one simple value.
    expression_ptr parse_test(expression_ptr base) {
        node out = make(expression_kind::test);
        ++at_;
        const bool negated = take_name("not");
        if (at_symbol("==") || at_symbol("!=") || at_symbol("<") || at_symbol(">")) fail("expected a test's name");
        out->name = expect_name("a test's name");
        adopt(*out, std::move(base));
        const token_kind next = now().kind;
        if (at_symbol("(")) {
            parse_arguments(*out);
        } else if (next == token_kind::string || next == token_kind::integer || next == token_kind::real ||
                   at_symbol("[") || at_symbol("{") ||
                   (next == token_kind::name &&
                    !is_one(now(), next, {"and", "or", "else", "if", "is", "in", "not", "recursive"}))) {
            adopt(*out, parse_postfix(parse_primary()));
        }
        if (!negated) return out;
        node inverse = make(expression_kind::unary);
        inverse->name = "not";
        adopt(*inverse, std::move(out));
        return inverse;
    }

    std::size_t at_ = 0;

private:
    std::string_view source_;
    std::vector<token> tokens_;
    int depth_ = 0;
};

}  // namespace wafer::inline WAFER_ABI::jinja
