// SPDX-License-Identifier: MIT
#include <chrono>
#include <set>
#include <string>
#include <support/hf_tokenizer.hpp>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/tokenizer.hpp>

using namespace wafer;

namespace {

// 256 bytes, then a few merges, then special tokens.
vocabulary small_vocabulary() {
    vocabulary v;
    v.model = "gpt2";
    v.pre = "gpt-2";
    for (const char16_t c : byte_level_alphabet) {
        std::string text;
        append_utf8(text, c);
        v.tokens.push_back(text);
    }
    const auto merge = [&](const std::string& left, const std::string& right) {
        v.merges.push_back(left + " " + right);
        v.tokens.push_back(left + right);
    };
    merge("a", "b");          // 256
    merge("ab", "c");         // 257
    merge("a", "a");          // 258
    merge("aa", "aa");        // 259
    merge("\xC4\xA0", "ab");  // 260: space + ab
    v.types.assign(v.tokens.size(), token_type::normal);
    for (const char* text : {"<s>", "</s>", "<s>x", "<unk>"}) {  // 261 262 263 264
        v.tokens.push_back(text);
        v.types.push_back(token_type::control);
    }
    v.tokens.push_back("<think>");  // 265
    v.types.push_back(token_type::user_defined);
    v.bos = 261;
    v.eos = 262;
    v.add_bos = true;
    return v;
}

errc refusal(const vocabulary& v) {
    try {
        (void)tokenizer(v);
    } catch (const error& e) {
        return e.code();
    }
    return errc::cancelled;  // stands for "accepted"
}

void check_oracle(const std::string& name, const std::string& pre, const std::set<std::size_t>& skipped) {
    const std::string folder = std::string(WAFER_SHARED) + "/oracle/tokenizers/" + name;
    const auto file = wafer_test::read_text(folder + "/tokenizer.json");
    if (!file) {
        MESSAGE("skipped: " << folder << " is missing");
        return;
    }
    const tokenizer t(wafer_test::hf_vocabulary(json::parse(*file), pre));
    const json cases = json::parse(wafer_test::read_text(folder + "/expected.json").value());
    for (std::size_t i = 0; i < cases.as_array().size(); ++i) {
        if (skipped.contains(i)) continue;
        const json& c = cases.at(i);
        std::vector<token_id> expected;
        for (const auto& id : c.at("ids").as_array()) expected.push_back(static_cast<token_id>(id.as_int()));
        const std::string& text = c.at("text").as_string();
        CAPTURE(i);
        CAPTURE(text);
        CHECK(t.encode(text) == expected);
        CHECK(t.decode(expected, control_text::show) == text);
    }
}

}  // namespace

TEST_CASE("tokenizer: every llama3 case equals the oracle") { check_oracle("llama3", "llama-bpe", {}); }

TEST_CASE("tokenizer: every qwen2 case equals the oracle, but for the one that needs NFC") {
    // Case 56 holds "e" + U+0301, which Qwen2's normaliser composes first.
    check_oracle("qwen2", "qwen2", {56});
}

TEST_CASE("tokenizer: merges follow rank, leftmost first") {
    const tokenizer t(small_vocabulary());
    CHECK(t.encode("abc") == std::vector<token_id>{257});
    CHECK(t.encode("aaaaa") == std::vector<token_id>{259, 'a'});
    CHECK(t.encode("aab") == std::vector<token_id>{'a', 256});
    CHECK(t.encode("x ab") == std::vector<token_id>{'x', 260});
    CHECK(t.encode("").empty());
}

TEST_CASE("tokenizer: ignore_merges takes a piece that is a token as a whole") {
    vocabulary v = small_vocabulary();
    v.tokens[264] = "bca";  // a token that no merge makes
    v.types[264] = token_type::normal;
    CHECK(tokenizer(v).encode("bca") == std::vector<token_id>{'b', 'c', 'a'});
    v.ignore_merges = true;
    CHECK(tokenizer(v).encode("bca") == std::vector<token_id>{264});
    CHECK(tokenizer(v).encode("bcab") == std::vector<token_id>{'b', 'c', 256});
}

TEST_CASE("tokenizer: special tokens are recognised longest first, or taken as text") {
    const tokenizer t(small_vocabulary());
    CHECK(t.encode("<s>ab</s>") == std::vector<token_id>{261, 256, 262});
    CHECK(t.encode("<s>x<s>y") == std::vector<token_id>{263, 261, 'y'});
    CHECK(t.encode("<s<s>") == std::vector<token_id>{'<', 's', 261});
    CHECK(t.encode("<s>", special_text::as_text) == std::vector<token_id>{'<', 's', '>'});
    CHECK(t.encode("<think>") == std::vector<token_id>{265});
}

TEST_CASE("tokenizer: pieces, flags and look-up agree") {
    const tokenizer t(small_vocabulary());
    CHECK(t.size() == 266);
    CHECK(t.piece(260) == " ab");
    CHECK(t.piece('\n') == "\n");
    CHECK(t.piece(261) == "<s>");
    CHECK(t.piece(-1).empty());
    CHECK(t.piece(266).empty());
    CHECK(t.is_control(261));
    CHECK_FALSE(t.is_control(265));
    CHECK_FALSE(t.is_control(999));
    CHECK(t.is_end(262));
    CHECK_FALSE(t.is_end(261));
    CHECK(t.find(" ab") == 260);
    CHECK(t.find("<s>x") == 263);
    CHECK(t.find("nothing") == std::nullopt);
    CHECK(t.find("") == std::nullopt);
    CHECK(t.adds_bos());
    CHECK_FALSE(t.adds_eos());
    for (token_id id = 0; id < 266; ++id) CHECK(t.find(t.piece(id)) == id);
}

TEST_CASE("tokenizer: text that is not UTF-8 is refused with its offset") {
    const tokenizer t(small_vocabulary());
    try {
        (void)t.encode("abc\xFFz");
        FAIL("accepted");
    } catch (const error& e) {
        CHECK(e.code() == errc::bad_utf8);
        CHECK(e.where().offset == 3);
    }
}

TEST_CASE("tokenizer: vocabularies that contradict themselves are refused") {
    const vocabulary good = small_vocabulary();
    CHECK(refusal(good) == errc::cancelled);
    const auto broken = [&](auto&& change) {
        vocabulary v = good;
        change(v);
        return refusal(v);
    };
    CHECK(broken([](auto& v) { v.model = "rwkv"; }) == errc::unsupported_tokenizer);
    CHECK(broken([](auto& v) { v.pre = "no-such"; }) == errc::unsupported_tokenizer);
    CHECK(broken([](auto& v) { v.tokens.clear(); }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.types.pop_back(); }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.scores.assign(3, 0.f); }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.eos = 266; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.padding = -1; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[257] = v.tokens[256]; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[262] = v.tokens[261]; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.merges[0] = "a q"; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.merges[0] = "ab"; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.merges[0] = ""; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens['a'] = "other"; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) {
              v.types[256] = token_type::byte;
              v.merges.clear();
          }) == errc::bad_vocabulary);
}

TEST_CASE("tokenizer: an unknown token stands for bytes that have none") {
    vocabulary v = small_vocabulary();
    v.tokens['z'] = "other";
    v.unknown = 264;
    CHECK(tokenizer(v).encode("z") == std::vector<token_id>{264});
}

TEST_CASE("tokenizer: the unknown model's message lists the known ones") {
    vocabulary v = small_vocabulary();
    v.pre = "no-such";
    CHECK_THROWS_WITH_AS(tokenizer{v}, doctest::Contains("qwen2"), error);
}

TEST_CASE("detokenizer: never emits a broken character and hides control tokens") {
    const tokenizer t(small_vocabulary());
    detokenizer d(t);
    CHECK(d.feed('a') == "a");
    CHECK(d.feed(0xF0) == "");
    CHECK(d.feed(0x9F) == "");
    CHECK(d.feed(0x9A) == "");
    CHECK(d.feed(0x80) == "\xF0\x9F\x9A\x80");
    CHECK(d.feed(262) == "");
    CHECK(d.feed(265) == "<think>");
    CHECK(d.feed(0xC3) == "");
    CHECK(d.flush() == "\xEF\xBF\xBD");
    detokenizer shown(t, control_text::show);
    CHECK(shown.feed(262) == "</s>");
    CHECK(t.decode(std::vector<token_id>{261, 'h', 'i', 0xC3, 262}) == "hi\xEF\xBF\xBD");
}

TEST_CASE("tokenizer: long and repetitive texts take near linear time and survive the round trip") {
    const tokenizer t(small_vocabulary());
    const auto repeat = [](std::string_view unit, std::size_t bytes) {
        std::string out;
        while (out.size() < bytes) out += unit;
        return out;
    };
    for (const std::string_view unit :
         {" ", "a", "abc", "1", "!", "\n", " \n", "<", "<s", "<s>", "\xF0\x9F\x9A\x80", "\xE3\x80\x80", "a ", "'"}) {
        const std::string text = repeat(unit, 1 << 20);
        const auto start = std::chrono::steady_clock::now();
        const auto ids = t.encode(text);
        CAPTURE(unit);
        CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));  // a quadratic case takes minutes
        CHECK(t.decode(ids, control_text::show) == text);
    }
}

TEST_CASE("tokenizer: one tokenizer serves several threads") {
    const tokenizer t(small_vocabulary());
    const auto expected = t.encode("abc <s> aaaa abab");
    std::vector<std::vector<token_id>> results(4);
    std::vector<std::thread> threads;
    for (auto& result : results)
        threads.emplace_back([&] {
            for (int i = 0; i < 100; ++i) result = t.encode("abc <s> aaaa abab");
        });
    for (auto& thread : threads) thread.join();
    for (const auto& result : results) CHECK(result == expected);
}
