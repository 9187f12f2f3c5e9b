// SPDX-License-Identifier: MIT
// L8 gen: a session as a file, version 1, little-endian. Trusts none of what it reads; knows neither threads nor kernels.
//   1 magic "WAFERSES" | 2 u32 version | 3 u32 cache type (its number in GGUF) | 4 u64 bytes of the file
//   5 u64 fingerprint of the model | 6 u64 n_tok | 7 conversation: options, randomness, statistics, messages
//   8 sequence: i32 token[n_tok], f32 logit[n_vocab], u64 expert use[n_layer * n_expert], used cache | 9 u64 hash64 of 1 to 8
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/dtype.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/hash.hpp>
#include <wafer/core/json.hpp>
#include <wafer/core/system.hpp>
#include <wafer/gen/sampler.hpp>
#include <wafer/gen/session_options.hpp>
#include <wafer/gen/stats.hpp>
#include <wafer/io/input_file.hpp>
#include <wafer/text/chat_template.hpp>
#include <wafer/text/json_check.hpp>

namespace wafer::inline WAFER_ABI {

/// What a session is besides its model and its shape.
struct session_state {
    session_options options{};  // all but the shape
    std::uint64_t random = 0;   // sampler::state()
    answer_stats stats{};
    finish ended = finish::end_of_turn;
    std::vector<message> messages{};
    std::size_t n_tok = 0;                  // tokens of the sequence
    std::span<const std::byte> sequence{};  // what sequence::save() handed out: a view of the file, at any alignment
};

/// Which sessions a saved one can be continued in.
struct session_identity {
    std::uint64_t fingerprint = 0;  // model::fingerprint()
    dtype cache_type{};
};

namespace detail {

inline constexpr std::array session_magic{'W', 'A', 'F', 'E', 'R', 'S', 'E', 'S'};
inline constexpr std::uint32_t session_version = 1;

/// Calls field(x) for every number, string and list of a conversation, in the order of the file: once for both directions.
/// @pre s.options.how is filled
template <class State, class Field>
void for_each_field(State& s, Field&& field) {
    auto& how = s.options.how;
    field(*how.temperature), field(*how.top_k), field(*how.top_p), field(*how.min_p);
    field(*how.repeat_penalty), field(*how.repeat_last), field(how.seed), field(s.random);
    field(s.options.thinking), field(s.options.max_tokens), field(s.options.system), field(s.options.stop),
        field(s.options.tools);
    field(s.stats.prompt), field(s.stats.reused), field(s.stats.generated);
    field(s.stats.to_first.count), field(s.stats.total.count), field(s.ended), field(s.messages);
}
template <class Message, class Field>
void for_each_part(Message& m, Field&& field) {
    field(m.role), field(m.content), field(m.reasoning), field(m.tool_calls), field(m.tool_call_id), field(m.name);
}

/// Appends what it is called with.
class session_writer {
public:
    std::vector<std::byte> bytes;

    template <class T>
    requires std::is_arithmetic_v<T>
    void operator()(T value) {
        if constexpr (std::is_same_v<T, std::size_t>) return raw(std::uint64_t{value});
        else raw(value);
    }
    void operator()(const std::string& text) {
        raw(std::uint64_t{text.size()});
        const auto all = std::as_bytes(std::span(text));
        bytes.insert(bytes.end(), all.begin(), all.end());
    }
    void operator()(const json& value) { (*this)(value.is_null() ? std::string() : value.dump()); }
    void operator()(const std::optional<bool>& value) { raw(static_cast<std::uint8_t>(value ? 1 + *value : 0)); }
    void operator()(finish value) { raw(static_cast<std::uint8_t>(value)); }
    void operator()(const message& m) { for_each_part(m, *this); }
    template <class T>
    void operator()(const std::vector<T>& list) {
        raw(std::uint64_t{list.size()});
        for (const auto& item : list) (*this)(item);
    }

private:
    template <class T>
    void raw(T value) {
        const auto* const first = reinterpret_cast<const std::byte*>(&value);
        bytes.insert(bytes.end(), first, first + sizeof value);
    }
};

/// Fills what it is called with, as session_writer wrote it, from bytes that may be anything.
class session_reader {
public:
    session_reader(std::span<const std::byte> file, const std::string& name) noexcept : file_(file), name_(name) {}

    [[nodiscard]] std::span<const std::byte> rest() const noexcept { return file_.subspan(at_); }

    template <class T>
    requires std::is_arithmetic_v<T>
    void operator()(T& value) {
        if constexpr (std::is_same_v<T, std::size_t>) {
            const auto wide = take<std::uint64_t>();
            if (!std::in_range<std::size_t>(wide)) fail("a number exceeds this machine's");
            value = static_cast<std::size_t>(wide);
        } else {
            value = take<T>();
        }
    }
    void operator()(std::string& text) {
        const auto size = take_count(1);
        text.assign(reinterpret_cast<const char*>(file_.data()) + at_, size);
        at_ += size;
    }
    void operator()(json& value) {
        std::string text;
        (*this)(text);
        if (text.empty()) return;
        if (!is_json(text)) fail("what should be JSON is not");
        value = json::parse(text);
    }
    void operator()(std::optional<bool>& value) {
        if (const auto code = take_below(3); code != 0) value = code == 2;
    }
    void operator()(finish& value) {
        value = static_cast<finish>(take_below(static_cast<int>(finish::deadline) + 1));
        if (value == finish::running) fail("no answer runs in a file");
    }
    void operator()(message& m) { for_each_part(m, *this); }
    template <class T>
    void operator()(std::vector<T>& list) {
        constexpr std::size_t least = std::is_same_v<T, message> ? 6 * 8 : 8;
        for (auto n = take_count(least); n > 0; --n) (*this)(list.emplace_back());
    }

    template <class T>
    [[nodiscard]] T take() {
        if (rest().size() < sizeof(T)) fail("it ends inside what it announces");
        const T value = load_le<T>(file_.data() + at_);
        at_ += sizeof(T);
        return value;
    }
    [[noreturn]] void fail(const std::string& message) const {
        raise(errc::corrupt, "the saved session cannot be read: " + message, {name_, at_, {}});
    }

private:
    /// A count of things of at least `least` bytes each.
    [[nodiscard]] std::size_t take_count(std::size_t least) {
        const auto count = take<std::uint64_t>();
        if (count > rest().size() / least) fail("it announces more than it holds");
        return static_cast<std::size_t>(count);
    }
    [[nodiscard]] std::uint8_t take_below(int limit) {
        const auto code = take<std::uint8_t>();
        if (code >= limit) fail("a choice has no meaning");
        return code;
    }

    std::span<const std::byte> file_;
    const std::string& name_;
    std::size_t at_ = 0;
};

}  // namespace detail

/// Writes what session_head gave, the sequence, and the hash64 of both.
template <class Sequence, class Sink>
void write_session(std::span<const std::byte> head, const Sequence& tokens, const Sink& sink) {
    hash64 sum;
    const auto pass_on = [&](std::span<const std::byte> part) {
        sum.add(part);
        sink(part);
    };
    pass_on(head);
    tokens.save(pass_on);
    const std::uint64_t checksum = sum.value();
    sink(std::as_bytes(std::span(&checksum, 1)));
}

/// What a saved session begins with, up to its sequence, of which `sequence_size` bytes follow, and then the hash64 of all.
[[nodiscard]] inline std::vector<std::byte> session_head(session_state s, const session_identity& whose,
                                                         std::size_t sequence_size) {
    s.options.how = filled(s.options.how);
    detail::session_writer conversation, out;
    detail::for_each_field(s, conversation);
    for (const char c : detail::session_magic) out(static_cast<std::uint8_t>(c));
    out(detail::session_version);
    out(info(whose.cache_type).gguf_id);
    const std::size_t begin = out.bytes.size() + 3 * sizeof(std::uint64_t);
    out(begin + conversation.bytes.size() + sequence_size + sizeof(std::uint64_t));
    out(whose.fingerprint);
    out(s.n_tok);
    out.bytes.insert(out.bytes.end(), conversation.bytes.begin(), conversation.bytes.end());
    return std::move(out.bytes);
}

/// Refuses what begins as no saved session does, or does not have as many bytes as it says. `begin`: the first 24 bytes, or all
/// of fewer.  @throws error: bad_magic, unsupported_version, truncated, corrupt
inline void check_session_begin(std::span<const std::byte> begin, std::uint64_t size, const std::string& name) {
    const auto refuse = [&](errc code, const std::string& message) { raise(code, message, {name, {}, {}}); };
    detail::session_reader in(begin, name);
    const auto& magic = detail::session_magic;
    if (begin.size() < magic.size() || in.take<std::remove_cvref_t<decltype(magic)>>() != magic)
        refuse(errc::bad_magic, "not a saved session");
    if (size < 6 * sizeof(std::uint64_t)) refuse(errc::truncated, "the saved session ends inside its head");
    if (const auto version = in.take<std::uint32_t>(); version != detail::session_version)
        refuse(errc::unsupported_version, "a saved session of version " + std::to_string(version) + "; version " +
                                              std::to_string(detail::session_version) + " is read");
    static_cast<void>(in.take<std::uint32_t>());  // the cache's type
    if (const auto said = in.take<std::uint64_t>(); said != size)
        refuse(said > size ? errc::truncated : errc::corrupt,
               "the saved session has " + std::to_string(size) + " bytes and should have " + std::to_string(said));
}

/// All bytes of a saved session. They are read, never mapped: whatever happens to the file meanwhile is an error at worst.
/// @throws error, as input_file and check_session_begin do; out_of_memory
[[nodiscard]] inline std::vector<std::byte> read_session_file(const input_file& file) {
    std::array<std::byte, 24> begin{};
    const auto first = std::span(begin).first(std::min<std::size_t>(begin.size(), file.size()));
    file.read(0, first);
    check_session_begin(first, file.size(), file.name());
    if (file.size() > system::available_memory())
        raise(errc::out_of_memory, "no memory for the " + std::to_string(file.size()) + " bytes of a saved session",
              {file.name(), {}, {}});
    std::vector<std::byte> all(static_cast<std::size_t>(file.size()));
    file.read(0, all);
    return all;
}

/// Reads a saved session that is to be continued in one of this identity; `name` stands for the file in errors. What the
/// sequence's bytes hold is left to sequence::restore().
/// @throws error: bad_magic, unsupported_version, truncated, corrupt, wrong_model, wrong_type (of the cache)
/// @cost one pass over the file; memory for the messages alone
[[nodiscard]] inline session_state parse_session(std::span<const std::byte> file, const std::string& name,
                                                 const session_identity& whose) {
    const auto refuse = [&](errc code, const std::string& message) { raise(code, message, {name, {}, {}}); };
    check_session_begin(file, file.size(), name);
    detail::session_reader in(file, name);
    static_cast<void>(in.take<std::array<std::byte, 12>>());  // magic and version, as the size below: checked
    const auto cache_type = in.take<std::uint32_t>();
    static_cast<void>(in.take<std::uint64_t>());
    const std::size_t hashed = file.size() - sizeof(std::uint64_t);
    if (hash64().add(file.first(hashed)).value() != load_le<std::uint64_t>(file.data() + hashed))
        refuse(errc::corrupt, "the saved session is damaged: its checksum is wrong");
    if (in.take<std::uint64_t>() != whose.fingerprint)
        refuse(errc::wrong_model, "the session was saved with another model: load that one to go on");
    if (cache_type != info(whose.cache_type).gguf_id) {
        const auto saved = dtype_from_gguf(cache_type);
        refuse(errc::wrong_type, "the session was saved with a cache of type " +
                                     (saved ? std::string(to_string(*saved)) : std::to_string(cache_type)) +
                                     ", this session's is " + std::string(to_string(whose.cache_type)));
    }
    session_state s;
    s.options.how = default_sampling;
    in(s.n_tok);
    detail::for_each_field(s, in);
    if (refusal_of([&] { static_cast<void>(sampler(s.options.how)); })) in.fail("answers cannot be drawn so");
    if (in.rest().size() < sizeof(std::uint64_t)) in.fail("it ends inside what it announces");
    s.sequence = in.rest().first(in.rest().size() - sizeof(std::uint64_t));
    return s;
}

}  // namespace wafer::inline WAFER_ABI
