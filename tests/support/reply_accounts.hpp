// SPDX-License-Identifier: MIT
// Whether the events of a reply account for all of its text. Written without the readers' own rules for markers, so that a
// loss in them is seen: a text is the texts of its events in order, and between them nothing but what may be left out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/json.hpp>
#include <wafer/text/call_format.hpp>
#include <wafer/text/json_check.hpp>
#include <wafer/text/reply_event.hpp>

namespace wafer_test {

class reply_accounts {
public:
    /// inside: the prompt opened thinking.
    reply_accounts(wafer::call_dialect dialect, bool inside, std::string_view text)
        : format_(wafer::format_of(dialect)), harmony_(dialect == wafer::call_dialect::harmony), text_(text) {
        const std::size_t letter = text.find_first_not_of(" \t\r\n");
        thinking_ = !harmony_ && (inside || (letter != text.npos && text.substr(letter).starts_with("<think>")));
    }

    /// The events as they came, pieces not joined.
    [[nodiscard]] bool cover(const std::vector<wafer::reply_event>& events) const {
        using kind = wafer::reply_kind;
        places at{0};
        kind last = kind::thinking;
        bool first = true;
        std::string name, arguments;
        for (const auto& e : events) {
            if (e.kind == kind::call_begin) name = e.text;
            if (e.kind == kind::call_arguments) arguments += e.text;
            if (e.kind == kind::call_begin || e.kind == kind::call_arguments) continue;
            at = skip_between(std::move(at), last, e.kind == kind::call_end);
            if (e.kind == kind::call_end) {
                if (e.name != name || e.text != arguments) return false;
                at = skip_call(skip_before_call(std::move(at)), e);
            } else {
                // A line break keeps stretches of one kind apart.
                places next = skip_text(at, e.text);
                if (!first && e.text.size() > 1 && e.text.front() == '\n' && e.kind != kind::call_invalid)
                    join(next, skip_text(at, std::string_view(e.text).substr(1)));
                at = std::move(next);
            }
            name.clear();
            arguments.clear();
            last = e.kind;
            first = false;
        }
        at = skip_between(std::move(at), last, false);
        return name.empty() && arguments.empty() && std::find(at.begin(), at.end(), text_.size()) != at.end();
    }

private:
    using places = std::vector<std::size_t>;  // up to where the text may be accounted for; in order, none twice
    static constexpr std::string_view blanks = " \t\r\n";

    static void add(places& all, std::size_t at) {
        const auto where = std::lower_bound(all.begin(), all.end(), at);
        if (where == all.end() || *where != at) all.insert(where, at);
    }
    static void join(places& all, const places& more) {
        for (const std::size_t at : more) add(all, at);
    }
    [[nodiscard]] std::string_view rest(std::size_t at) const { return text_.substr(at); }

    [[nodiscard]] places skip_text(const places& from, std::string_view text) const {
        places out;
        for (const std::size_t at : from)
            if (rest(at).starts_with(text)) out.push_back(at + text.size());
        return out;
    }
    // Any number of these strings and characters.
    [[nodiscard]] places skip_any(places from, std::initializer_list<std::string_view> strings,
                                  std::string_view chars) const {
        for (std::size_t i = 0; i < from.size(); ++i) {
            const std::size_t at = from[i];
            for (const std::string_view s : strings)
                if (!s.empty() && rest(at).starts_with(s)) add(from, at + s.size());
            if (at < text_.size() && chars.find(text_[at]) != chars.npos) add(from, at + 1);
        }
        return from;
    }

    // What stands behind an event of this kind and belongs to none.
    [[nodiscard]] places skip_between(places from, wafer::reply_kind last, bool call_comes) const {
        if (thinking_ && last == wafer::reply_kind::thinking)
            from = skip_any(std::move(from), {"<think>", "</think>"}, blanks);
        if (harmony_) return skip_headers(std::move(from), call_comes);
        return last == wafer::reply_kind::call_end ? skip_after_call(std::move(from)) : from;
    }

    // Ends of messages and headers, of which only the words that belong there. One with a recipient is part of a call.
    [[nodiscard]] places skip_headers(places from, bool with_recipient) const {
        for (std::size_t i = 0; i < from.size(); ++i) {
            const std::size_t at = from[i];
            for (const std::string_view end : {"<|end|>", "<|call|>", "<|return|>"})
                if (rest(at).starts_with(end)) add(from, at + end.size());
            const std::size_t size = header_at(at);
            if (size > 0 && (with_recipient || rest(at).substr(0, size).find("to=") == text_.npos))
                add(from, at + size);
        }
        return from;
    }
    [[nodiscard]] std::size_t header_at(std::size_t at) const {
        std::string_view left = rest(at).substr(0, 1100);
        const std::string_view all = left;
        std::size_t words = 0;
        while (true) {
            left.remove_prefix(std::min(left.find_first_not_of(blanks), left.size()));
            bool marker = false;
            if (left.starts_with("<|message|>")) return all.size() - left.size() + 11;
            for (const std::string_view m : {"<|start|>", "<|channel|>", "<|constrain|>"})
                if (left.starts_with(m)) {
                    left.remove_prefix(m.size());
                    if (m != "<|start|>" || words == 0) words = m == "<|channel|>" ? 2 : 1;
                    marker = true;
                    break;
                }
            if (marker) continue;
            const std::string_view word = left.substr(0, left.find_first_of(" \t\r\n<"));
            if (word.empty()) return 0;
            if (!word.starts_with("to=") && words-- == 0) return 0;
            left.remove_prefix(word.size());
        }
    }

    [[nodiscard]] places skip_before_call(places from) const {
        const auto& f = format_;
        const auto& o = f.other_block_opens;
        return skip_any(std::move(from), {f.open, f.block_open, o[0], o[1], o[2], o[3]}, f.between);
    }
    [[nodiscard]] places skip_after_call(places from) const {
        const auto& f = format_;
        return skip_any(std::move(from), {f.close, f.other_closes[0], f.other_closes[1], f.block_close}, f.between);
    }

    // The call itself: its name, what tells it, its arguments.
    [[nodiscard]] places skip_call(const places& from, const wafer::reply_event& call) const {
        places out;
        for (const std::size_t at : from) {
            if (format_.tagged) {
                add_if(out, tags_at(at, call));
            } else if (harmony_ && at >= 3) {
                // The header was skipped.
                const std::string_view header = text_.substr(0, at);
                bool named = false;
                for (const char* to : {"to=", "to=functions."})
                    named = named || header.rfind(to + call.name) != header.npos;
                if (named) add_if(out, object_at(at, call, true));
            } else if (harmony_) {
                continue;
            } else if (format_.separator.empty()) {
                for (const std::size_t begin : skip_any({at}, {}, format_.lead))
                    add_if(out, object_at(begin, call, false));
            } else {
                for (const std::size_t begin : named_at(at, call.name)) add_if(out, object_at(begin, call, true));
            }
        }
        return skip_any(std::move(out), {}, format_.trail);
    }
    static void add_if(places& all, std::size_t at) {
        if (at != std::string_view::npos) add(all, at);
    }

    // Where the JSON begins behind a name outside of it.
    [[nodiscard]] places named_at(std::size_t at, const std::string& name) const {
        const auto spaces = [&](places p) { return skip_any(std::move(p), {}, blanks); };
        places p = spaces({at});
        places plain = spaces(skip_text(p, name));
        for (const std::size_t id : skip_text(plain, format_.id_mark.empty() ? "\n[]\n" : format_.id_mark)) {
            const std::size_t begin = std::min(text_.find_first_not_of(blanks, id), text_.size());
            const std::size_t end = text_.find(format_.separator, id);
            if (end == text_.npos) continue;
            const std::string_view word = text_.substr(begin, end - std::min(begin, end));
            if (word.substr(0, word.find_last_not_of(blanks) + 1).find_first_of(blanks) == word.npos) add(plain, end);
        }
        places out = spaces(skip_text(plain, format_.separator));
        if (format_.dialect == wafer::call_dialect::deepseek) {
            join(out, spaces(skip_text(spaces(skip_text(spaces(skip_text(p, "function")), format_.separator)), name)));
            places fenced = skip_text(out, "```");
            join(fenced, skip_text(fenced, "json"));
            join(out, spaces(std::move(fenced)));
        }
        return out;
    }

    // Behind the JSON object that begins here, if that is the call or its arguments.
    [[nodiscard]] std::size_t object_at(std::size_t at, const wafer::reply_event& call, bool arguments_alone) const {
        at = std::min(text_.find_first_not_of(blanks, at), text_.size());
        if (at == text_.size() || text_[at] != '{') return text_.npos;
        for (std::size_t end = text_.find('}', at); end != text_.npos; end = text_.find('}', end + 1)) {
            const std::string_view whole = text_.substr(at, end + 1 - at);
            if (!wafer::is_json(whole)) continue;
            const wafer::json object = wafer::json::parse(whole);
            const auto* inner = object.find("function");
            const wafer::json& named = inner != nullptr && inner->is_object() ? *inner : object;
            const bool same = arguments_alone ? whole == call.text && object == call.arguments : says(named, call);
            return same ? end + 1 : text_.npos;
        }
        return text_.npos;
    }
    [[nodiscard]] static bool says(const wafer::json& object, const wafer::reply_event& call) {
        const auto* name = object.find("name");
        if (name == nullptr) name = object.find("function");
        if (name == nullptr || *name != wafer::json(call.name)) return false;
        bool any = false;
        for (const char* key : {"arguments", "parameters"}) {
            const auto* arguments = object.find(key);
            if (arguments == nullptr || arguments->is_null()) continue;
            any = true;
            const bool in_text = arguments->is_string() && wafer::is_json(arguments->as_string());
            if ((in_text ? wafer::json::parse(arguments->as_string()) : *arguments) != call.arguments) return false;
        }
        return (any || call.arguments.as_object().empty()) && wafer::json::parse(call.text) == call.arguments;
    }

    // Behind a call in tags whose values are those that were read.
    [[nodiscard]] std::size_t tags_at(std::size_t at, const wafer::reply_event& call) const {
        const std::string head = "<function=" + call.name + ">";
        if (rest(at).starts_with(head)) at += head.size();
        else if (rest(at).starts_with(std::string_view(head).substr(10))) at += head.size() - 10;
        else return text_.npos;
        for (const auto& [key, value] : call.arguments.as_object()) {
            at = std::min(text_.find_first_not_of(blanks, at), text_.size());
            const std::string open = "<parameter=" + key + ">";
            const std::size_t end = text_.find("</parameter>", at);
            if (!rest(at).starts_with(open) || end == text_.npos) return text_.npos;
            std::string_view written = text_.substr(at + open.size(), end - at - open.size());
            if (written.starts_with('\n')) written.remove_prefix(1);
            if (written.ends_with('\n')) written.remove_suffix(1);
            if (value.is_string() ? value.as_string() != written : !is_literal(written, value)) return text_.npos;
            at = end + 12;
        }
        at = std::min(text_.find_first_not_of(blanks, at), text_.size());
        return rest(at).starts_with("</function>") ? at : text_.npos;
    }
    [[nodiscard]] static bool is_literal(std::string_view written, const wafer::json& value) {
        std::string_view word = wafer::detail::without_blanks(written);
        if (value.is_bool() && (word == "True" || word == "False")) return value.as_bool() == (word == "True");
        if (value.is_null() && word == "None") return true;
        return wafer::is_json(word) && wafer::json::parse(word) == value;
    }

    wafer::call_format format_;
    bool harmony_, thinking_;
    std::string_view text_;
};

}  // namespace wafer_test
