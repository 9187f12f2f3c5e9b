// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <support/loaded.hpp>
#include <support/reasoner.hpp>
#include <support/temporary.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/model.hpp>
#include <wafer/gen/session.hpp>

using namespace wafer;
using wafer_test::reasoner;

namespace {

using image = std::vector<std::byte>;

/// Draws among all tokens, so that every bit of logits and randomness decides what is said.
session_options babbling(std::uint64_t seed = 5) {
    session_options o;
    o.how = {.temperature = 1.2f, .top_k = 0, .top_p = 1, .min_p = 0, .repeat_penalty = 1.1f, .seed = seed};
    o.max_tokens = 20;
    o.system = "You are brief.";
    o.stop = {"zebra"};
    return o;
}

std::string listen(session<>& chat, std::string_view question) {
    std::string all;
    for (const auto& piece : chat.ask(question)) all += (piece.thinking ? "~" : "") + piece.text;
    return all;
}

/// Everything that decides how a session goes on, and three more answers of it.
struct future {
    std::vector<std::string> said;
    std::vector<float> logits;
    std::vector<std::int32_t> tokens;
    std::size_t reused = 0;
    friend bool operator==(const future&, const future&) = default;
};
future future_of(session<>& chat) {
    future f;
    for (const auto& m : chat.messages()) f.said.push_back(m.role + ":" + m.content + ":" + m.reasoning);
    const auto note = [&] {
        f.logits.insert(f.logits.end(), chat.tokens().logits().begin(), chat.tokens().logits().end());
    };
    note();
    for (const auto* question : {"What is 17 + 25?", "Reverse the word lemon.", "Who are you?"}) {
        f.said.push_back(listen(chat, question));
        f.reused += chat.stats().reused;
        note();
    }
    f.tokens.assign(chat.tokens().tokens().begin(), chat.tokens().tokens().end());
    return f;
}

session<>& after_two_turns(session<>& chat) {
    (void)listen(chat, "Hello");
    (void)listen(chat, "Sort the digits 4 2 9.");
    return chat;
}

/// Gives a changed file its right checksum, as somebody would who means harm.
image& reseal(image& file) {
    const auto sum = hash64().add(std::span(file).first(file.size() - 8)).value();
    std::memcpy(file.data() + file.size() - 8, &sum, sizeof sum);
    return file;
}
template <class T>
image with(image file, std::size_t at, T value) {
    std::memcpy(file.data() + at, &value, sizeof value);
    return reseal(file);
}

/// The code that loading this ends in; the session must stand as it was.
errc refusal(session<>& chat, const std::function<void()>& load) {
    const std::vector<std::int32_t> tokens(chat.tokens().tokens().begin(), chat.tokens().tokens().end());
    const std::vector<float> logits(chat.tokens().logits().begin(), chat.tokens().logits().end());
    const auto n_messages = chat.messages().size();
    const auto how = chat.options().how.seed;
    const auto unchanged = [&] {
        return std::ranges::equal(tokens, chat.tokens().tokens()) &&
               std::ranges::equal(logits, chat.tokens().logits()) && chat.messages().size() == n_messages &&
               chat.options().how.seed == how;
    };
    try {
        load();
    } catch (const error& e) {
        CHECK(unchanged());
        return e.code();
    }
    return errc::cancelled;  // nothing here raises it
}

}  // namespace

TEST_CASE("session_state: a loaded session goes on bit for bit, in words, logits and randomness") {
    for (const auto type : {dtype::f16, dtype::q8_0}) {
        auto how = babbling();
        how.shape.cache_type = type;
        session<> first{reasoner(), how};
        const auto file = after_two_turns(first).save();

        session<> second{reasoner(), {.shape = {.n_context = 700, .cache_type = type}}};
        (void)listen(second, "Something else entirely");
        second.load(file);
        CHECK(second.options().system == how.system);
        CHECK(second.options().stop == how.stop);
        CHECK(second.options().max_tokens == 20);
        CHECK(second.options().shape.n_context == 700);
        CHECK(second.ended() == first.ended());
        CHECK(second.stats().generated == first.stats().generated);
        CHECK(second.stats().total == first.stats().total);
        CHECK(second.save() == file);
        const auto want = future_of(first);
        CHECK(future_of(second) == want);

        second.load(file);  // as often as one likes
        CHECK(future_of(second) == want);
    }
}

TEST_CASE("session_state: sessions that have said nothing, or only completed text, are sessions too") {
    session<> fresh{reasoner(), babbling()}, other{reasoner(), babbling(6)};
    const auto nothing = fresh.save();
    (void)listen(other, "Hello");
    other.load(nothing);
    CHECK(other.messages().size() == 1);
    CHECK(other.tokens().position() == 0);
    CHECK(future_of(other) == future_of(fresh));
    session<> writer{reasoner(), babbling()};
    const auto begun = writer.complete("Once upon").text();
    other.load(writer.save());
    CHECK(other.tokens().position() == writer.tokens().position());
    CHECK(future_of(other) == future_of(writer));
}

TEST_CASE("session_state: saving and loading end a running answer") {
    session<> chat{reasoner(), babbling()};
    const auto file = chat.save();
    auto answer = chat.ask("Hello");
    (void)answer.next();
    const auto halfway = chat.save();
    CHECK(chat.ended() == finish::stopped);
    CHECK(chat.messages().size() == 3);
    auto again = chat.ask("Go on");
    (void)again.next();
    chat.load(file);
    CHECK(!again.next());
    CHECK(chat.messages().size() == 1);
    chat.load(halfway);
    CHECK(chat.messages().size() == 3);
}

TEST_CASE("session_state: every part of a message is kept") {
    session_state s;
    s.options = babbling();
    s.options.thinking = false;
    s.ended = finish::stop_string;
    s.random = 42;
    json call;
    call.set("name", "add").set("arguments", json::array{json(1.5), json("\xc3\xa9")});
    s.messages = {{.role = "assistant", .content = "", .reasoning = "hm", .tool_calls = json(json::array{call})},
                  {.role = "tool", .content = std::string("a\0b", 3), .tool_call_id = "7", .name = "add"}};
    const session_identity whose{99, dtype::f16};
    auto file = session_head(s, whose, 5);
    file.resize(file.size() + 5 + 8);
    reseal(file);
    const auto got = parse_session(file, "f", whose);
    CHECK(got.sequence.size() == 5);
    CHECK(got.options.thinking == std::optional(false));
    CHECK(got.ended == finish::stop_string);
    CHECK(got.random == 42);
    REQUIRE(got.messages.size() == 2);
    CHECK(got.messages[0].reasoning == "hm");
    CHECK(got.messages[0].tool_calls.dump() == s.messages[0].tool_calls.dump());
    CHECK(got.messages[1].content == s.messages[1].content);
    CHECK(got.messages[1].tool_calls.is_null());
    CHECK(got.messages[1].tool_call_id == "7");
    CHECK(got.messages[1].name == "add");
}

TEST_CASE("session_state: a damaged, cut or lengthened file is refused at every byte, and the session stands") {
    auto how = babbling();
    how.max_tokens = 2;
    session<> chat{reasoner(), how};
    (void)listen(chat, "Hi");
    const auto file = chat.save();
    CHECK(refusal(chat, [&] { chat.load(image()); }) == errc::bad_magic);
    const std::size_t step = std::max<std::size_t>(file.size() / 400, 1);
    for (std::size_t at = 0; at < file.size(); at += at < 400 ? 1 : step) {
        CAPTURE(at);
        auto broken = file;
        broken[at] ^= std::byte{0x10};
        const auto code = refusal(chat, [&] { chat.load(broken); });
        CHECK((code == errc::corrupt ||
               (at < 24 && (code == errc::bad_magic || code == errc::unsupported_version || code == errc::truncated))));
        const auto cut = refusal(chat, [&] { chat.load(std::span(file).first(at)); });
        CHECK(cut == (at < 8 ? errc::bad_magic : errc::truncated));
    }
    // An answer that runs, which no saved session has.
    auto running = session_state{};
    running.ended = finish::running;
    auto whole = session_head(running, {0, dtype::f16}, 0);
    whole.resize(whole.size() + 8);
    CHECK_THROWS_AS((void)parse_session(reseal(whole), "f", {0, dtype::f16}), error);
    auto longer = file;
    longer.push_back(std::byte{});
    CHECK(refusal(chat, [&] { chat.load(longer); }) == errc::corrupt);
    chat.load(file);
}

TEST_CASE("session_state: numbers that lie under a right checksum are refused before anything is allocated") {
    session<> chat{reasoner(), babbling()};
    (void)listen(chat, "Hi");
    const auto file = chat.save();
    constexpr auto huge = ~std::uint64_t{0};
    CHECK(refusal(chat, [&] { chat.load(with(file, 8, std::uint32_t{2})); }) == errc::unsupported_version);
    CHECK(refusal(chat, [&] { chat.load(with(file, 12, std::uint32_t{8})); }) == errc::wrong_type);
    CHECK(refusal(chat, [&] { chat.load(with(file, 12, std::uint32_t{77777})); }) == errc::wrong_type);
    CHECK(refusal(chat, [&] { chat.load(with(file, 16, huge)); }) == errc::truncated);
    CHECK(refusal(chat, [&] { chat.load(with(file, 24, huge)); }) == errc::wrong_model);
    CHECK(refusal(chat, [&] { chat.load(with(file, 32, huge)); }) == errc::context_full);
    CHECK(refusal(chat, [&] { chat.load(with(file, 32, std::uint64_t{1})); }) == errc::corrupt);
    // Every count and length of the conversation in turn, and every other field: a typed error, or a session.
    for (std::size_t at = 40; at + 8 < 400; ++at)
        for (const std::uint64_t value : {huge, huge / 2, std::uint64_t{1} << 33, std::uint64_t{255}}) {
            const auto lying = with(file, at, value);
            session<> other{reasoner(), babbling()};
            try {
                other.load(lying);
            } catch (const error& e) {
                CHECK(e.code() == errc::corrupt);
                CHECK(other.messages().size() == 1);
                CHECK(other.tokens().position() == 0);
            }
        }
}

TEST_CASE("session_state: another model, cache or context is told apart") {
    session<> chat{reasoner(), babbling()};
    const auto file = after_two_turns(chat).save();
    const model stranger(parse_gguf(wafer_test::synthetic_model::read("qwen2").gguf().bytes()));
    session<> other{stranger};
    CHECK(refusal(other, [&] { other.load(file); }) == errc::wrong_model);

    auto how = babbling();
    how.shape.cache_type = dtype::q8_0;
    session<> small_cache{reasoner(), how};
    CHECK(refusal(small_cache, [&] { small_cache.load(file); }) == errc::wrong_type);
    how = babbling();
    how.shape.n_context = chat.tokens().position() - 1;
    session<> brief{reasoner(), how};
    CHECK(refusal(brief, [&] { brief.load(file); }) == errc::context_full);
    how.shape.n_context = chat.tokens().position();
    session<> just_enough{reasoner(), how};
    just_enough.load(file);

    // The same weights on other threads are the same model.
    load_options threads;
    threads.n_threads = 3;
    const model again = load(WAFER_EXAMPLES "/tiny_reasoner/tiny_reasoner.gguf", threads);
    CHECK(again.fingerprint() == reasoner().fingerprint());
    session<> moved{again, babbling()};
    moved.load(file);
    CHECK(future_of(moved) == future_of(chat));
}

TEST_CASE("session_state: files are written whole, and what is wrong with one names it") {
    const wafer_test::temporary_directory folder;
    const auto path = folder.path() / "talk.session";
    session<> chat{reasoner(), babbling()};
    after_two_turns(chat).save(path);
    session<> other{reasoner(), babbling(9)};
    other.load(path);
    CHECK(other.save() == chat.save());
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);

    const auto code_and_name = [&](const std::filesystem::path& file) {
        try {
            other.load(file);
        } catch (const error& e) {
            CHECK(e.where().file == file.string());
            return e.code();
        }
        return errc::cancelled;
    };
    CHECK(code_and_name(folder.path() / "missing") == errc::file_not_found);
    CHECK(code_and_name(folder.path()) == errc::not_a_file);
    CHECK(code_and_name(folder.file("empty")) == errc::truncated);
    CHECK(code_and_name(folder.file("text", "not a session")) == errc::bad_magic);
    CHECK(code_and_name(WAFER_EXAMPLES "/tiny_reasoner/tiny_reasoner.gguf") == errc::bad_magic);
    CHECK_THROWS_AS(chat.save(folder.path()), error);
    CHECK_THROWS_AS(chat.save(folder.path() / "missing" / "f"), error);
    CHECK(future_of(other) == future_of(chat));
}

TEST_CASE("finish: every reason has a name, and other numbers are unknown") {
    CHECK(to_string(finish::running) == "running");
    CHECK(to_string(finish::deadline) == "deadline");
    for (const int n : {7, 77, 255}) CHECK(to_string(static_cast<finish>(n)) == "unknown");
}

TEST_CASE("session_state: numbers of tools and calls are saved as they were written, however deep they stand") {
    const std::string numbers = "[12345678901234567890,-9223372036854775809,1.10,1e2,-0,0.1e1,1e400]";
    json deep = json::parse(numbers);
    while (deep.depth() < json::max_depth - 6) deep = json::object{{"k", std::move(deep)}};
    session_state s;
    s.options.tools = json::array{json().set("name", "f").set("parameters", json().set("enum", json::parse(numbers)))};
    message call{.role = "assistant"};
    call.tool_calls.push_back(make_tool_call("f", json().set("n", json::parse(numbers)), "abcdefgh1"));
    call.tool_calls.push_back(make_tool_call("f", json().set("n", deep), "abcdefgh2"));
    s.messages.push_back(call);
    const session_identity whose{7, dtype::f16};
    image file = session_head(s, whose, 0);
    const std::uint64_t sum = hash64().add(file).value();
    const auto tail = std::as_bytes(std::span(&sum, 1));
    file.insert(file.end(), tail.begin(), tail.end());
    const session_state read = parse_session(file, "memory", whose);
    CHECK(read.options.tools.dump() == s.options.tools.dump());
    CHECK(read.options.tools.at(std::size_t{0}).at("parameters").at("enum").dump() == numbers);
    REQUIRE(read.messages.size() == 1);
    CHECK(read.messages[0].tool_calls.dump() == call.tool_calls.dump());
    CHECK(read.messages[0].tool_calls.at(std::size_t{0}).at("function").at("arguments").at("n").dump() == numbers);
}

TEST_CASE("session_state: calls in a conversation come back with the numbers that were written") {
    const json arguments = json::parse(R"({"n":12345678901234567890,"x":1.10})");
    message asked{.role = "user", .content = "Hi"}, call{.role = "assistant", .content = "I call."};
    call.tool_calls.push_back(make_tool_call("f", arguments, "abcdefgh1"));
    const message turns[] = {asked, call, {.role = "user", .content = "And now?"}};
    session<> chat{reasoner(), babbling()};
    (void)chat.ask(turns).text();
    session<> other{reasoner(), babbling()};
    other.load(chat.save());
    REQUIRE(other.messages().size() == chat.messages().size());
    CHECK(other.messages()[2].tool_calls.at(std::size_t{0}).at("function").at("arguments").dump() == arguments.dump());
}
