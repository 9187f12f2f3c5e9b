// SPDX-License-Identifier: MIT
// Each allocation in turn fails: the answer is the typed error, nothing leaks, and what stood before still works.
// A program of its own, since it replaces operator new.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <support/loaded.hpp>
#include <support/sanitized.hpp>
#include <support/temporary.hpp>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/cost/print.hpp>
#include <wafer/gen/model.hpp>
#include <wafer/gen/plan.hpp>
#include <wafer/gen/session.hpp>
#include <wafer/gen/stop_strings.hpp>
#include <wafer/gen/vocabulary.hpp>
#include <wafer/text/grammar/json_schema.hpp>
#include <wafer/text/grammar/matcher.hpp>
#include <wafer/text/reply_reader.hpp>
#include <wafer/text/tokenizer_json.hpp>

namespace {

std::atomic<long> live{0};        // allocations not given back
std::atomic<long> until_fail{0};  // 1: the next one fails; 0 and below: none does

void* allocate(std::size_t n, std::size_t alignment) noexcept {
    if (until_fail.load() > 0 && until_fail.fetch_sub(1) == 1) return nullptr;
    void* p = alignment <= alignof(std::max_align_t)
                  ? std::malloc(n == 0 ? 1 : n)
                  : std::aligned_alloc(alignment, (n + alignment - 1) / alignment * alignment);
    if (p != nullptr) ++live;
    return p;
}
void* allocate_or_throw(std::size_t n, std::size_t alignment = 1) {
    if (void* p = allocate(n, alignment)) return p;
    throw std::bad_alloc();
}
void release(void* p) noexcept {
    if (p != nullptr) --live;
    std::free(p);
}

}  // namespace

void* operator new(std::size_t n) { return allocate_or_throw(n); }
void* operator new[](std::size_t n) { return allocate_or_throw(n); }
void* operator new(std::size_t n, std::align_val_t a) { return allocate_or_throw(n, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return allocate_or_throw(n, static_cast<std::size_t>(a)); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, 1); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, 1); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
    return allocate(n, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { release(p); }
void operator delete[](void* p) noexcept { release(p); }
void operator delete(void* p, std::size_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { release(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { release(p); }

using namespace wafer;

namespace {

const std::filesystem::path path = WAFER_FUZZ_CORPUS "/gguf/llama";

load_options on(const std::shared_ptr<thread_pool>& pool) {
    load_options how;
    how.pool = pool;
    return how;
}

session_options quick() {
    session_options o;
    o.how.temperature = 0;
    o.max_tokens = 3;
    o.shape.n_context = 32;
    return o;
}

/// Pages of this process that are reserved, touched or not; 0 where the system does not tell, and beside a sanitizer, which
/// keeps for a while what was given back.
std::size_t reserved_pages() {
    std::size_t n = 0;
    if (WAFER_TEST_SANITIZED) return n;
    if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {  // no stream: it would allocate
        if (std::fscanf(file, "%zu", &n) != 1) n = 0;
        std::fclose(file);
    }
    return n;
}

constexpr std::size_t many_pages = 8192;  // more than a heap grows by here

/// What happens when the n-th allocation of `work` fails, for every n: always error{errc::out_of_memory} and no leak, until
/// it needs no more than n. Returns how many it needs.
long fail_each(const std::function<void()>& work, long least = 11, int line = __builtin_LINE()) {
    CAPTURE(line);  // of the caller
    work();         // what is made once for the whole program is made
    long other = 0, leaked = 0, n = 1;
    const std::size_t reserved = reserved_pages();
    for (;; ++n) {
        const long before = live;
        bool failed = false;
        until_fail = n;
        try {
            work();
        } catch (const error& e) {
            failed = true;
            until_fail = 0;
            other += e.code() != errc::out_of_memory;
        } catch (...) {
            failed = true;
            until_fail = 0;
            ++other;
        }
        const bool reached = until_fail <= 0;
        until_fail = 0;
        leaked += live != before;
        if (!failed && !reached) break;
    }
    CHECK(other == 0);
    CHECK(leaked == 0);
    CHECK(reserved_pages() < reserved + many_pages);
    CHECK(n >= least);
    return n - 1;
}

/// What make() gives, with all the memory it wants: arguments that are the caller's own.
template <class Make>
auto given(const Make& make) {
    const long n = until_fail.exchange(0);
    auto out = make();
    until_fail = n;
    return out;
}

}  // namespace

TEST_CASE("allocation: a load whose memory cannot be had ends in out_of_memory and leaves nothing behind") {
    const auto pool = std::make_shared<thread_pool>(2);
    const auto n = fail_each([&] { (void)load(path, on(pool)); });
    MESSAGE(n, " allocations in a load");
}

TEST_CASE("allocation: an arena that is not made keeps none of its pages") {
    arena_plan plan;  // of 64 MiB, which nobody touches
    plan.add_matrix({.name = "a", .type = dtype::f32, .rows = 4096, .cols = 4096});
    plan.place(placements::spread{}, sram::mesh::host(2));
    REQUIRE(plan.size().count / 4096 > many_pages);
    for (long n = 1; n < 100; ++n) {
        const std::size_t before = reserved_pages();
        until_fail = n;
        (void)exception_of([&] { resident_arena arena(plan); });
        const bool reached = until_fail <= 0;
        until_fail = 0;
        CHECK(reserved_pages() < before + many_pages);
        if (!reached) break;
    }
}

TEST_CASE("allocation: a plan, too") {
    const auto n = fail_each([&] { (void)plan(path, quick().shape, 1); });
    MESSAGE(n, " allocations in a plan");
    const auto file = open_checkpoint(path);
    CHECK(fail_each([&] { (void)plan(file, quick().shape, 1); }) + fail_each([&] { (void)open_checkpoint(path); }) <=
          n);
}

TEST_CASE("allocation: what is told of a model, too") {
    const auto pool = std::make_shared<thread_pool>(1);
    auto how = on(pool);
    how.log = [](log_level, std::string_view) {};
    const auto n = fail_each([&] { (void)load(path, how); });
    MESSAGE(n, " allocations in a load with a log");
}

TEST_CASE("allocation: a session and its first answer, too; and the model answers afterwards as before") {
    const auto pool = std::make_shared<thread_pool>(2);
    const auto m = load(path, on(pool));
    const auto answer = [&] {
        session chat{m, quick()};
        return chat.ask("abc 1").text();
    };
    const auto expected = answer();
    const auto n = fail_each([&] { (void)answer(); });
    MESSAGE(n, " allocations in a session");
    CHECK(answer() == expected);
}

TEST_CASE("allocation: a session that is saved and loaded, too; what it held before stands") {
    const auto pool = std::make_shared<thread_pool>(1);
    const auto m = load(path, on(pool));
    session first{m, quick()}, second{m, quick()};
    (void)first.ask("ab").text();
    const wafer_test::temporary_directory folder;
    const auto file = folder.path() / "session";
    const auto saved = first.save();
    first.save(file);
    CHECK(fail_each([&] { first.save(file); }) > 10);
    CHECK(std::filesystem::file_size(file) == saved.size());
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);  // no part of a failure is left
    (void)fail_each([&] { (void)first.save(); });
    CHECK(first.save() == saved);

    (void)second.ask("c").text();
    const auto before = second.save();
    for (long n = 1;; ++n) {
        until_fail = n;
        const auto refused = error_of([&] { second.load(file); });
        const bool reached = until_fail <= 0;
        until_fail = 0;
        CHECK(second.save() == (refused ? before : saved));
        if (refused) CHECK(refused->code() == errc::out_of_memory);
        else second.load(before);
        if (!reached) break;
    }
}

TEST_CASE("allocation: a session that met a failure goes on with the conversation as it stood") {
    const auto pool = std::make_shared<thread_pool>(1);
    const auto m = load(path, on(pool));
    session whole{m, quick()};
    const auto first = whole.ask("ab").text();
    const auto second = whole.ask("c").text();
    for (long n = 1;; ++n) {
        session chat{m, quick()};
        REQUIRE(chat.ask("ab").text() == first);
        const auto before = chat.messages().size();
        until_fail = n;
        bool failed = false;
        try {
            auto answer = chat.ask("c");
            until_fail = 0;
        } catch (const error& e) {
            until_fail = 0;
            failed = true;
            CHECK(e.code() == errc::out_of_memory);
            CHECK(chat.messages().size() == before);
            CHECK(chat.ask("c").text() == second);
        }
        if (!failed) break;
    }
}

TEST_CASE("allocation: a swap that met a failure leaves the old weights or the new ones, and knows which") {
    auto made = wafer_test::synthetic_model::read("llama3");
    const auto first = made.gguf();
    for (auto& t : made.tensors) t.scale *= 1.25f;  // the divisors of its angles, too
    const auto second = made.gguf();
    const auto images = std::array{first.bytes(), second.bytes()};
    const std::vector<std::int32_t> prompt{1, 2, 3, 4};
    const auto answer = [&](const wafer_test::loaded& m) {
        sequence<> s(m.net, m.pool, wafer_test::shape_of(16));
        CHECK(s.eval(prompt) == eval_status::done);
        return std::vector<float>(s.logits().begin(), s.logits().end());
    };
    wafer_test::loaded m(first, 2);
    const wafer_test::loaded theirs(second, 2);
    const auto before = answer(m), after = answer(theirs);
    const auto old_print = m.net->fingerprint(), new_print = theirs.net->fingerprint();
    REQUIRE(old_print != new_print);
    for (const bool far : {false, true}) {  // in memory, and behind a reader
        const auto file = [&](std::size_t i) {
            if (!far) return parse_gguf(images[i]);
            return open_gguf(byte_source(file_reader{.size = images[i].size(), .read = [&, i](auto at, auto to) {
                                                         std::copy_n(images[i].begin() + static_cast<long>(at),
                                                                     to.size(), to.begin());
                                                         return to.size();
                                                     }}));
        };
        const auto old_file = file(0), new_file = file(1);
        long n_old = 0, n_new = 0, n_none = 0;
        for (long n = 1;; ++n) {
            until_fail = n;
            const bool failed = exception_of([&] { m.net->swap(new_file, *m.pool); }) != nullptr;
            const bool reached = until_fail <= 0;
            until_fail = 0;
            if (!m.net->is_resident()) {
                ++n_none;
                CHECK(failed);
                CHECK(error_of([&] { (void)answer(m); })->code() == errc::invalid_argument);
            } else {
                const bool is_new = m.net->fingerprint() == new_print;
                ++(is_new ? n_new : n_old);
                CHECK(is_new == !failed);
                CHECK((is_new || m.net->fingerprint() == old_print));
                CHECK(answer(m) == (is_new ? after : before));
            }
            m.net->swap(old_file, *m.pool);
            REQUIRE(m.net->fingerprint() == old_print);
            if (!reached) break;
        }
        CHECK(n_old > 100);
        CHECK(n_new >= 1);
        if (far) CHECK(n_none > 0);  // its buffers
        else CHECK(n_none == 0);
    }
}

TEST_CASE("allocation: an answer that met a failure is gone with its question, and the conversation goes on") {
    const auto pool = std::make_shared<thread_pool>(1);
    const auto m = load(path, on(pool));
    auto how = quick();
    how.max_tokens = 12;
    how.shape.n_context = 64;
    session whole{m, how};
    const auto first = whole.ask("ab").text();
    const auto second = whole.ask("c").text();
    long n = 1;
    for (bool reached = true; reached; ++n) {
        CAPTURE(n);
        session chat{m, how};
        REQUIRE(chat.ask("ab").text() == first);
        auto answer = chat.ask("c");
        std::string heard;
        heard.reserve(4 * second.size());
        bool failed = false;
        until_fail = n;
        try {
            while (const auto piece = answer.next()) heard += piece->thinking ? "" : piece->text;
        } catch (const error& e) {
            failed = true;
            until_fail = 0;
            CHECK(e.code() == errc::out_of_memory);
        }
        reached = until_fail <= 0;
        until_fail = 0;
        CHECK(!answer.next());
        if (failed) {
            CHECK(answer.ended() == finish::stopped);
            CHECK(chat.messages().size() == 2);
            heard = chat.ask("c").text();
        }
        CHECK(heard == second);
        CHECK(chat.messages().size() == 4);
        CHECK(chat.messages()[3].content == whole.messages()[3].content);
    }
    CHECK(n > 10);
}

TEST_CASE("allocation: a reset, a load and a cost that fail leave the conversation as it stood") {
    const auto m = load(path, on(std::make_shared<thread_pool>(1)));
    auto how = quick();
    how.system = "A system prompt that is longer than any short string.";
    how.shape.n_context = 128;
    session chat{m, how};
    (void)chat.ask("ab").text();
    const auto file = chat.save();
    const auto fails_cleanly = [&](const std::function<void()>& work) {
        long n = 0;
        for (bool reached = true; reached;) {
            until_fail = ++n;
            const auto failed = error_of(work);
            reached = until_fail <= 0;
            until_fail = 0;
            if (!failed) continue;
            CHECK(failed->code() == errc::out_of_memory);
            CHECK(chat.save() == file);
        }
        CHECK(n > 1);
    };
    fails_cleanly([&] { chat.load(file); });
    fails_cleanly([&] { chat.reset(); });
    CHECK(chat.messages().size() == 1);
    chat.load(file);
    session<cost::host> priced{m, cost::host{}, how};
    (void)priced.ask("ab").text();
    fails_cleanly([&] { (void)priced.cost(); });
}

TEST_CASE("allocation: reading and writing JSON, too") {
    const std::string text =
        R"({"a long name, longer than any short string": [1, 2.50, "a long text, longer than any short string", {"b": null}]})";
    (void)fail_each([&] { (void)json::parse(text); }, 6);
    const json value = json::parse(text);
    (void)fail_each([&] { (void)value.dump(2); }, 2);
    (void)fail_each(
        [] {
            try {
                (void)json::parse("[1, 2,, a long text that is no JSON]");
            } catch (const error& e) {
                if (e.code() != errc::bad_json) throw;
            }
        },
        2);
}

TEST_CASE("allocation: grammars and what follows them, too") {
    const std::string rules =
        "root ::= item (\", \" item)* \".\"\nitem ::= \"a long text, longer than any\" | [a-z]{2,70}";
    const std::string schema =
        R"({"type": "object", "properties": {"a name of some length": {"enum": [1.0, "x", 12345678901234567890]},
            "b": {"type": "string", "pattern": "^[a-c]+$"}, "c": {"allOf": [{"minimum": 1.5}, {"maximum": 7}]}}})";
    (void)fail_each([&] { (void)grammar::gbnf(rules); });
    (void)fail_each([&] { (void)grammar::parse_gbnf(rules); });
    (void)fail_each([&] { (void)grammar::json_schema(schema); });
    (void)fail_each([] { (void)grammar::json_object(); });
    const json parsed = json::parse(schema);
    (void)fail_each([&] { (void)grammar::json_schema(parsed); });
    const auto made = grammar::parse_gbnf(rules);
    (void)fail_each([&] { (void)grammar::compile(made); });
    const auto program = grammar::gbnf(rules);
    std::vector<std::string> texts;
    for (int c = 0; c < 256; ++c) texts.push_back(std::string(1, static_cast<char>(c)));
    texts.push_back("ab");
    const std::vector<std::string_view> pieces(texts.begin(), texts.end());
    (void)fail_each([&] { (void)grammar::token_trie(pieces, {}); });
    const auto tokens = std::make_shared<const grammar::token_trie>(pieces, std::vector<token_id>{});
    (void)fail_each([&] {
        grammar::matcher m(program, tokens);
        (void)m.mask();
        m.accept('a');
        (void)m.allows(256);
        m.accept(std::string_view("bcd, xy"));
        (void)m.is_over();
        m.reset();
    });
    // One that met a failure goes on from where it was.
    grammar::matcher whole(program, tokens);
    whole.accept('a');
    const std::vector<std::uint64_t> expected(whole.mask().begin(), whole.mask().end());
    for (long n = 1, reached = 1; reached != 0; ++n) {
        grammar::matcher m(program, tokens);
        until_fail = n;
        const auto failed = error_of([&] {
            m.accept('a');
            (void)m.mask();
        });
        reached = until_fail <= 0;
        until_fail = 0;
        if (failed) m.reset();
        if (failed) m.accept('a');
        CHECK(std::equal(expected.begin(), expected.end(), m.mask().begin()));
    }
}

TEST_CASE("allocation: vocabularies and tokenizers, too") {
    const auto file = open_checkpoint(path);
    const auto source = read_vocabulary(file).value();
    (void)fail_each([&] { (void)tokenizer(given([&] { return source; })); });
    const tokenizer words(source);
    const std::string text = "Some words, and <s> more of them: \xC3\xA9 0123456789, 0123456789.";
    (void)fail_each([&] { (void)words.encode(text); }, 3);
    const auto ids = words.encode(text);
    (void)fail_each([&] { (void)words.decode(ids); }, 2);
    (void)fail_each([&] { (void)words.inert(text); }, 2);
    (void)fail_each(
        [&] {
            detokenizer out(words);
            for (const token_id id : ids) (void)out.feed(id);
            (void)out.flush();
        },
        1);
    std::string vocab;
    for (std::size_t byte = 0; byte < 256; ++byte) {
        std::string name;
        append_utf8(name, byte_level_alphabet[byte]);
        vocab += (byte == 0 ? "" : ",") + json(name).dump() + ":" + std::to_string(byte);
    }
    const json described =
        json::parse(R"({"model":{"type":"BPE","merges":[],"vocab":{)" + vocab +
                    R"(}},"added_tokens":[{"id":256,"content":"<a special token of some length>","special":true}],
            "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}})");
    (void)fail_each([&] { (void)read_tokenizer_json(described); });
}

TEST_CASE("allocation: templates and readers of replies, too") {
    const std::string source = "{% for m in messages %}{{ m.role }}: {{ m.content }}{% if m.tool_calls %}"
                               "{{ m.tool_calls|tojson }}{% endif %}\n{% endfor %}{{ tools|tojson }}";
    (void)fail_each([&] { (void)chat_template(source); });
    const chat_template shown(source);
    message call{.role = "assistant", .content = "A text of some length, longer than short ones."};
    call.tool_calls.push_back(make_tool_call("f", json::parse(R"({"n": 12345678901234567890})"), "abcdefgh1"));
    template_options options;
    options.tools = json::parse(R"([{"name": "f", "description": "A text of some length, longer than short ones."}])");
    (void)fail_each([&] { (void)shown.render(std::span(&call, 1), options); });
    (void)fail_each([&] { (void)jinja::program(source); });
    (void)fail_each([&] { check_tools(options.tools); }, 1);
    const std::string replies[] = {"<think>A long thought, longer than short ones.</think>Well.<tool_call>{\"name\": "
                                   "\"a_function\", \"arguments\": "
                                   "{\"a\": \"a long text, longer than short ones\"}}</tool_call>",
                                   "<function=a_function><parameter=n>12345678901234567890</parameter></function>",
                                   "<|channel|>analysis<|message|>A long "
                                   "thought.<|end|><|start|>assistant<|channel|>final<|message|>Well, it is.<|end|>"};
    const call_dialect dialects[] = {call_dialect::hermes, call_dialect::qwen_coder, call_dialect::harmony};
    for (std::size_t i = 0; i < std::size(replies); ++i)
        (void)fail_each([&] {
            reply_reader reader(dialects[i], "", given([&] { return options.tools; }));
            for (const char c : replies[i]) (void)reader.feed(std::string_view(&c, 1));
            (void)reader.flush();
        });
    (void)fail_each(
        [&] {
            stop_strings stops(given([] {
                return std::vector<std::string>{"a stop string that is longer than any short string",
                                                "another of them"};
            }));
            for (int i = 0; i < 9; ++i) (void)stops.feed("a stop string that is longer than any short");
            (void)stops.flush();
        },
        2);
}

TEST_CASE("allocation: a reader that cannot have its memory is out of memory, as the library is") {
    const auto read = [](auto raise_it) {
        file_reader reader{.size = 100, .read = [&](auto, auto) -> std::size_t {
                               raise_it();
                               return 0;
                           }};
        std::array<std::byte, 10> room;
        const byte_source source(std::move(reader));
        const auto first = error_of([&] { source.read(0, room); });
        const auto again = error_of([&] { source.read(0, room); });
        REQUIRE(first);
        REQUIRE(again);
        CHECK(first->code() == again->code());
        return first->code();
    };
    CHECK(read([] { throw std::bad_alloc(); }) == errc::out_of_memory);
    CHECK(read([] { (void)std::vector<int>().at(3); }) == errc::io_failed);
    CHECK(read([] { throw 5; }) == errc::io_failed);
    const auto image = wafer_test::synthetic_model::read("llama3").gguf().bytes();
    const file_reader reader{.size = image.size(), .read = [&](auto at, std::span<std::byte> to) {
                                 const std::vector<std::byte> copy(image.begin() + static_cast<long>(at),
                                                                   image.begin() + static_cast<long>(at + to.size()));
                                 std::copy(copy.begin(), copy.end(), to.begin());
                                 return to.size();
                             }};
    (void)fail_each([&] { (void)open_checkpoint(given([&] { return byte_source(file_reader(reader)); })); });
    const auto pool = std::make_shared<thread_pool>(1);
    (void)fail_each(
        [&] { (void)load(given([&] { return byte_source(file_reader(reader)); }), given([&] { return on(pool); })); });
}

TEST_CASE("allocation: what is driven by hand, too: sequences and samplers") {
    const auto m = load(path, on(std::make_shared<thread_pool>(1)));
    const sequence_shape shape{.n_context = 32};
    const std::vector<token_id> prompt{1, 2, 3};
    const auto drive = [&] {
        sequence<cost::host> s(m.net(), m.pool(), shape);
        (void)s.eval(prompt);
        sampler draw({.temperature = 1, .top_k = 3, .seed = 1});
        (void)draw.pick(s.logits(), s.tokens(), {});
        (void)to_json(s.costs().reports());
        auto kept = given([&] {
            std::vector<std::byte> bytes;
            bytes.reserve(s.saved_size(3));
            return bytes;
        });
        s.save([&](std::span<const std::byte> part) { kept.insert(kept.end(), part.begin(), part.end()); });
        s.restore(3, kept);
    };
    (void)fail_each(drive, 6);
}
