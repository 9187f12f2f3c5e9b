// SPDX-License-Identifier: MIT
// L1 text: finds the calls of tools in an answer while its text streams by. Knows nothing of tokens.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/json.hpp>
#include <wafer/text/call_format.hpp>
#include <wafer/text/json_check.hpp>
#include <wafer/text/object_scanner.hpp>
#include <wafer/text/partial_marker.hpp>
#include <wafer/text/reply_event.hpp>
#include <wafer/text/tagged_call.hpp>
#include <wafer/text/tools.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

// The call that a reader is in the middle of; offsets into what it holds of the text.
struct open_call {
    std::size_t body = 0;                  // after the opening marker; without one, of JSON that stands alone
    bool marked = false;                   // has an opening marker
    bool told = false;                     // is a call without one, up to the end of the stream
    bool broken = false;                   // cannot be read
    bool plain = false;                    // is text, in spite of its marker
    bool begun = false;                    // call_begin was sent
    std::size_t stop = std::string::npos;  // where it was seen to be no call
    std::size_t searched = 0;              // up to where the closing marker of a broken one was looked for
    object_scanner object;
    tagged_call tags;  // where the dialect has these instead
    std::optional<std::string> name;
    std::size_t first = std::string::npos, last = std::string::npos;  // the arguments' text, here or as tags gave it
    std::size_t sent = 0;                                             // up to where it was sent
};

}  // namespace detail

/// Tells calls from the text around them, wherever the stream is cut. Nothing is lost: what begins like a call and is none
/// comes out as answer, in its place; what is marked as a call and cannot be read comes out as call_invalid, byte for byte
/// and with the markers around it, also those of a block of calls that only it stands beside. Beside a call that is well
/// formed markers are left out, and white space before it, between it and another, and at the end. Holds back only what may
/// still become a marker, and a call's text until the function's name is known.
/// @cost linear in the text.
class tool_call_reader {
public:
    /// tools: what may be called, as in session_options; where arguments are in tags, it tells numbers from text.
    /// @throws error{errc::invalid_argument} as check_tools()
    explicit tool_call_reader(call_dialect dialect = call_dialect::none, json tools = {})
        : format_(format_of(dialect)), tools_(std::move(tools)), between_(!format_.open.empty()) {
        check_tools(tools_);
    }

    /// The events that are certain after this text.
    [[nodiscard]] std::vector<reply_event> feed(std::string_view text) {
        pending_ += text;
        return run(false);
    }
    /// Ends the stream: a call that lacks only its closing marker counts, since that may be the token that ends a turn.
    [[nodiscard]] std::vector<reply_event> flush() { return run(true); }
    /// Whether what comes next is of a call that a marker began, or has to be: of a marker around calls the first follows.
    [[nodiscard]] bool in_call() const noexcept {
        if (call_) return call_->marked;
        const std::string_view text = pending_;
        const std::string_view rest = text.substr(std::min(text.find_first_not_of(format_.between), text.size()));
        const auto all = opening_markers(format_);  // the first, of a call, would have begun one
        return std::any_of(all.begin(), all.end(), [&](std::string_view m) { return begins(rest, m); });
    }
    /// What comes next, up to flush(), is one call: something else than a marker told so. @pre everything before is flushed
    void open() {
        call_.emplace();
        call_->marked = call_->told = true;
    }

private:
    static constexpr std::size_t none = std::string::npos;
    static constexpr std::string_view blanks = " \t\r\n";
    static constexpr int max_depth = json::max_depth - 5;  // of arguments: a list of messages has to hold them
    static constexpr std::size_t max_header = 4096;        // bytes before a separator, and between it and the JSON

    std::vector<reply_event> run(bool ends) {
        std::vector<reply_event> out;
        while (call_ ? read_call(out, ends) : read_text(out, ends)) {
        }
        return out;
    }

    static void add(std::vector<reply_event>& out, reply_kind kind, std::string_view text) {
        if (!text.empty()) out.push_back({kind, std::string(text)});
    }
    void say(std::vector<reply_event>& out, std::size_t size) {
        add(out, reply_kind::answer, std::string_view(pending_).substr(0, size));
        pending_.erase(0, size);
        if (size > 0) between_ = false;
    }

    // --- outside of calls. Both readers return whether there is more to do.

    bool read_text(std::vector<reply_event>& out, bool ends) {
        if (format_.open.empty()) return say(out, pending_.size()), false;
        const std::string_view text = pending_;
        const auto skip = [&](std::string_view chars, std::size_t from) {
            return std::min(text.find_first_not_of(chars, from), text.size());
        };
        const std::size_t filler = between_ ? skip(after_call_ ? format_.between : blanks, 0) : 0;
        if (const std::string_view rest = text.substr(filler); between_) {
            if (format_.bare && rest.starts_with('{')) return begin_call(filler, false);
            if (after_good_ && begins(rest, format_.block_close)) {
                in_block_ = false;
                pending_.erase(0, filler + format_.block_close.size());
                return true;
            }
            if (in_block_ && begins(rest, format_.bare_open)) return begin_call(filler, true);
            if (!ends && ((after_good_ && may_begin(rest, format_.block_close)) ||
                          (in_block_ && may_begin(rest, format_.bare_open))))
                return false;
        }
        place marker;
        for (const std::string_view m : opening_markers(format_))
            if (const std::size_t at = m.empty() ? none : text.find(m); at < marker.at) marker = {at, m.size()};
        if (marker.at == none) {
            const std::size_t keep = ends ? 0 : held_back();
            if (filler < text.size() - keep) say(out, text.size() - keep);
            else if (ends && after_good_) pending_.clear();
            else if (ends) say(out, text.size());
            return false;
        }
        // What stands between calls stays with the marker until that is known to begin a call that can be read.
        if (filler < marker.at) return say(out, marker.at), true;
        const std::size_t behind = marker.at + marker.length;
        if (text.substr(marker.at, marker.length) == format_.open) return begin_call(behind, true);
        // So does the marker around all calls, which is one only before a call.
        const std::size_t next = skip(blanks, behind);
        const std::string_view rest = text.substr(next);
        if (!ends && (may_begin(rest, format_.open) || may_begin(rest, format_.bare_open))) return false;
        const bool opens = begins(rest, format_.open);
        if (!opens && !begins(rest, format_.bare_open)) return say(out, behind), true;
        in_block_ = true;
        return begin_call(opens ? next + format_.open.size() : next, true);
    }

    bool begin_call(std::size_t body, bool marked) {
        call_.emplace().body = body;
        call_->marked = marked;
        return true;
    }

    struct place {
        std::size_t at = none, length = 0;
    };
    [[nodiscard]] static bool begins(std::string_view text, std::string_view marker) noexcept {
        return !marker.empty() && text.starts_with(marker);
    }
    // Whether the marker may come where this text ends.
    [[nodiscard]] static bool may_begin(std::string_view text, std::string_view marker) noexcept {
        return text.size() < marker.size() && marker.starts_with(text);
    }

    // Length of the longest end of the pending text that begins a marker.
    [[nodiscard]] std::size_t held_back() const noexcept {
        std::size_t keep = 0;
        for (const std::string_view marker : opening_markers(format_))
            keep = std::max(keep, partial_marker(pending_, marker));
        return keep;
    }

    // --- inside of a call

    bool read_call(std::vector<reply_event>& out, bool ends) {
        detail::open_call& c = *call_;
        if (!c.broken && state() == scan_state::before && !(format_.tagged ? find_tags(ends) : find_object(ends)))
            return false;
        if (!c.broken) scan();
        if (!c.broken && ends && state() != scan_state::done) c.broken = true;
        if (state() != scan_state::before) send(out);
        if (c.broken) return give_up(out, ends);
        return state() == scan_state::done && close(out, ends);
    }

    // Of the arguments: how far they were read, up to where, and where their text is.
    [[nodiscard]] scan_state state() const noexcept {
        return format_.tagged ? call_->tags.state() : call_->object.state();
    }
    [[nodiscard]] std::size_t read_to() const noexcept {
        return format_.tagged ? call_->tags.at() : call_->object.at();
    }
    [[nodiscard]] std::string_view written() const noexcept {
        return format_.tagged ? call_->tags.arguments() : std::string_view(pending_);
    }

    [[nodiscard]] std::array<std::string_view, 3> closes() const noexcept {
        return {format_.close, format_.other_closes[0], format_.other_closes[1]};
    }
    [[nodiscard]] std::size_t find_close(std::size_t from) const noexcept {
        std::size_t first = none;
        for (const std::string_view m : closes())
            if (!m.empty()) first = std::min(first, pending_.find(m, from));
        return first;
    }

    // Whether the JSON is the arguments alone.
    [[nodiscard]] bool has_outer_name() const noexcept { return format_.tagged || !format_.separator.empty(); }

    bool refuse(bool plain) {
        call_->plain = plain;
        return call_->broken = true;
    }

    // Reads the name, up to the first tag. False: the text ends too early to tell.
    bool find_tags(bool ends) {
        detail::open_call& c = *call_;
        if (c.tags.at() == 0) c.tags.start(c.body);
        c.tags.run(pending_, tools_);
        if (!c.tags.begun()) return (ends || c.tags.state() == scan_state::broken) && refuse(true);
        c.name = c.tags.name();
        c.first = 0;
        return true;
    }

    // Looks for the JSON, and for the name before it where the dialect puts it there. False: the text ends too early to tell.
    bool find_object(bool ends) {
        detail::open_call& c = *call_;
        const std::string_view text = pending_;
        if (format_.separator.empty()) {
            const std::size_t begin = c.marked ? text.find_first_not_of(format_.lead, c.body) : c.body;
            if (begin == none) return ends && refuse(true);
            if (text[begin] != '{') return refuse(true);
            c.object.start(begin);
            return true;
        }
        const std::size_t closed = find_close(c.body), separator = text.find(format_.separator, c.body);
        const bool too_long = std::min(separator, text.size()) > c.body + max_header;
        if (too_long || separator > closed || (ends && separator == none)) return refuse(!c.told);
        if (separator == none) return false;
        const std::size_t after = separator + format_.separator.size(), begin = text.find('{', after);
        if (begin == none && closed == none && !ends && text.size() <= after + max_header) return false;
        const std::size_t end = std::min({begin, closed, text.size()});
        c.name = format_.find_name(text.substr(c.body, separator - c.body), text.substr(after, end - after));
        if (begin != end || begin > after + max_header || c.name->empty()) return refuse(false);
        c.object.start(begin);
        c.first = begin;
        return true;
    }

    void scan() {
        detail::open_call& c = *call_;
        if (format_.tagged) c.tags.run(pending_, tools_);
        else c.object.run(pending_);
        if (state() == scan_state::broken) c.broken = true;
        if (has_outer_name()) {
            if (state() == scan_state::done) c.last = format_.tagged ? written().size() : read_to();
            return;
        }
        for (const object_scanner::member& m : c.object.members()) {
            if (m.key == "name" || m.key == "function") {
                if (!c.name && m.end != none && pending_[m.begin] == '"')
                    read_name(std::string_view(pending_).substr(m.begin, m.end - m.begin));
            } else if (m.key == "arguments" || m.key == "parameters") {
                if (m.begin == none || pending_[m.begin] != '{' || (c.first != none && c.first != m.begin)) continue;
                c.first = m.begin;
                c.last = m.end;
            } else if (!c.marked && !(c.name && c.first != none) && m.key != "type" && m.key != "id") {
                c.broken = true;  // JSON, but not a call
                c.stop = m.key_end;
                return;
            }
        }
    }

    void read_name(std::string_view literal) {
        if (is_json(literal)) call_->name = json::parse(literal).as_string();
    }

    // Sends what is certain of a call's beginning and arguments.
    void send(std::vector<reply_event>& out) {
        detail::open_call& c = *call_;
        if (!c.name || c.name->empty() || c.first == none) return;
        if (!c.begun) add(out, reply_kind::call_begin, *c.name);
        if (!c.begun) c.sent = c.first;
        c.begun = true;
        const std::size_t end = std::min(c.last, format_.tagged ? written().size() : read_to());
        if (end <= c.sent) return;
        add(out, reply_kind::call_arguments, written().substr(c.sent, end - c.sent));
        c.sent = end;
    }

    // The JSON is complete: what follows must close the call, where there is a marker for that, or begin or end something else.
    bool close(std::vector<reply_event>& out, bool ends) {
        detail::open_call& c = *call_;
        std::size_t end = read_to();
        if (!format_.close.empty()) {
            end = std::min(pending_.find_first_not_of(format_.trail, end), pending_.size());
            const std::string_view rest = std::string_view(pending_).substr(end);
            bool closed = ends && rest.empty(), may_close = false;
            const auto check = [&](std::string_view m, std::size_t length) {
                if (m.empty()) return;
                if (rest.starts_with(m)) {
                    closed = true;
                    end += length;
                }
                may_close = may_close || (!ends && m.starts_with(rest));
            };
            for (const std::string_view m : closes()) check(m, m.size());
            for (const std::string_view m : {format_.open, format_.block_close}) check(m, 0);  // its own was forgotten
            if (!closed && may_close) return false;
            if (!closed) return c.broken = true, true;
        }
        if (!finish(out)) return c.broken = true, true;
        leave(end, true);
        return true;
    }

    // Reads the whole call and ends it. False if that is not possible.
    bool finish(std::vector<reply_event>& out) {
        detail::open_call& c = *call_;
        reply_event done{reply_kind::call_end, {}};
        const auto part = [&](std::size_t from, std::size_t to) {
            return std::string(written().substr(from, to - from));
        };
        const std::string text = format_.tagged ? c.tags.arguments() : part(c.object.begin(), read_to());
        if (!is_json(text)) return false;
        json object = json::parse(text);
        if (has_outer_name()) {
            done.name = *c.name;
            done.arguments = std::move(object);
        } else {
            if (const json* inner = object.find("function"); inner != nullptr && inner->is_object())
                object = json(*inner);
            const json *arguments = object.find("arguments"), *parameters = object.find("parameters");
            if (arguments != nullptr && parameters != nullptr && *arguments != *parameters) return false;
            if (arguments == nullptr) arguments = parameters;
            if (arguments == nullptr && !c.marked) return false;  // JSON, but not a call
            const json* name = object.find("name");
            if (name == nullptr) name = object.find("function");
            if (name == nullptr || !name->is_string()) return false;
            done.name = name->as_string();
            done.arguments = json(json::object{});
            if (arguments != nullptr && arguments->is_string() && is_json(arguments->as_string()))
                done.arguments = json::parse(arguments->as_string());
            else if (arguments != nullptr && !arguments->is_null()) done.arguments = *arguments;
        }
        if (!done.arguments.is_object() || done.arguments.depth() > max_depth || done.name.empty()) return false;
        // What was announced must be what is called: JSON may name two functions, or two sets of arguments.
        const bool same = c.first != none && json::parse(part(c.first, c.last)) == done.arguments;
        if (c.begun && (!same || done.name != *c.name)) return false;
        done.text = same ? part(c.first, c.last) : done.arguments.dump();
        if (!c.begun) {
            add(out, reply_kind::call_begin, done.name);
            add(out, reply_kind::call_arguments, done.text);
        }
        out.push_back(std::move(done));
        return true;
    }

    // What cannot be read goes out as it is.
    bool give_up(std::vector<reply_event>& out, bool ends) {
        detail::open_call& c = *call_;
        if (c.plain || (!c.marked && !c.begun)) {
            say(out, std::min(std::max(read_to(), c.body), c.stop));
            call_.reset();
            return true;
        }
        const std::size_t end = find_end(ends);
        if (end == none) return false;
        add(out, reply_kind::call_invalid, std::string_view(pending_).substr(0, end));
        leave(end, false);
        return true;
    }

    // Where a call that cannot be read ends: behind the first marker that closes it or the block around it, both if they
    // stand together. Where the dialect closes no calls, behind the JSON, or before the next call if that has no end. Without
    // any of these, at the end of the stream. `none` while more text has to tell.
    [[nodiscard]] std::size_t find_end(bool ends) {
        detail::open_call& c = *call_;
        const std::string_view text = pending_;
        const std::size_t all = ends ? text.size() : none;
        if (c.told) return all;
        c.searched = std::max(c.searched, c.body);
        std::size_t end = none;
        std::size_t longest = 1;
        const auto first = [&](std::string_view marker, bool with) {
            if (marker.empty()) return;
            longest = std::max(longest, marker.size());
            const std::size_t at = text.find(marker, c.searched);
            if (at != none) end = std::min(end, at + (with ? marker.size() : 0));
        };
        if (!format_.close.empty()) {
            for (const std::string_view m : closes()) first(m, true);
            first(format_.block_close, true);
        } else if (state() == scan_state::done) {
            end = read_to();
        } else {
            first(format_.open, false);
        }
        if (end == none) {
            c.searched = std::max(c.searched, text.size() - std::min(text.size(), longest - 1));
            return all;
        }
        c.searched = end - std::min(end - c.body, longest);
        if (text.substr(0, end).ends_with(format_.block_close) || format_.block_close.empty()) return end;
        const std::size_t next = std::min(text.find_first_not_of(blanks, end), text.size());
        const std::string_view rest = text.substr(next);
        if (begins(rest, format_.block_close)) return next + format_.block_close.size();
        return !ends && may_begin(rest, format_.block_close) ? none : end;
    }

    void leave(std::size_t end, bool good) {
        pending_.erase(0, end);
        call_.reset();
        between_ = after_call_ = true;
        after_good_ = good;
    }

    call_format format_;
    json tools_;
    std::string pending_;
    bool between_;                           // nothing but white space since the beginning, a call or a block's marker
    bool after_call_ = false;                // a call came before
    bool after_good_ = false;                // the last one could be read
    bool in_block_ = false;                  // of calls, which may lack their opening markers
    std::optional<detail::open_call> call_;  // at the front of pending_
};

}  // namespace wafer::inline WAFER_ABI
