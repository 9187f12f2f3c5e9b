// SPDX-License-Identifier: MIT
#include <string>
#include <support/small_vocabulary.hpp>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/tokenizer.hpp>

using namespace wafer;
using wafer_test::small_sentencepiece;
using wafer_test::small_vocabulary;

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

TEST_CASE("tokenizer: the usual names of tokens that end an answer are known") {
    for (const char* name : {"<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "<|return|>",
                             "<|call|>", "</s>", "<end_of_turn>", "<EOT>",
                             "<\xEF\xBD\x9C"
                             "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>"}) {
        CAPTURE(name);
        vocabulary v = small_vocabulary();
        v.tokens[262] = "<other>";
        v.eos.reset();
        CHECK_FALSE(tokenizer(v).is_end(263));
        v.tokens[263] = name;
        CHECK(tokenizer(v).is_end(263));
    }
    for (auto id : {&vocabulary::eos, &vocabulary::eot, &vocabulary::eom}) {
        vocabulary v = small_vocabulary();
        v.*id = 'x';
        CHECK(tokenizer(v).is_end('x'));
    }
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

TEST_CASE("tokenizer: an unknown token stands for bytes that have none") {
    vocabulary v = small_vocabulary();
    v.tokens['z'] = "other";
    v.unknown = 264;
    v.types[264] = token_type::unknown;
    CHECK(tokenizer(v).encode("z") == std::vector<token_id>{264});
    v.types[264] = token_type::control;  // by its name it steers nothing
    CHECK(tokenizer(v).encode("z") == std::vector<token_id>{264});
    v.unknown = 262;  // the end: it is not to come out of what somebody typed
    CHECK_THROWS_WITH_AS(tokenizer{v}, doctest::Contains("byte 122"), error);
}

TEST_CASE("tokenizer: bytes that are seldom needed may have no token, and are left out") {
    vocabulary v = small_vocabulary();
    for (const std::size_t byte : {0x04u, 0x7Fu, 0xF1u}) v.tokens[byte] = "other" + std::to_string(byte);
    v.merges.emplace_back("!", "?");
    v.tokens.push_back("!?");
    v.types.push_back(token_type::normal);
    for (const auto unknown : {std::optional<token_id>(), std::optional<token_id>(263)}) {
        v.unknown = unknown;
        v.types[263] = token_type::control;  // as SmolLM's files have it
        const tokenizer t(v);
        CHECK(t.encode("\x04").empty());
        CHECK(t.encode("x\x7Fy") == std::vector<token_id>{'x', 'y'});
        CHECK(t.encode("!\x04?") == std::vector<token_id>{266});  // merged as if it were not there
        CHECK(t.encode("\xF1\x80\x80\x80") == std::vector<token_id>{0x80, 0x80, 0x80});
    }
    v.tokens['\n'] = "line";
    CHECK_THROWS_WITH_AS(tokenizer{v}, doctest::Contains("byte 10"), error);
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

TEST_CASE("tokenizer: SentencePiece puts a space before a text and after special tokens, and decoding takes it away") {
    const tokenizer t(small_sentencepiece());
    const auto ids = t.encode("ab<s>ab</s> ab<think>c");
    CHECK(ids == std::vector<token_id>{261, 1, 261, 2, 263, 261, 267, 263, 266});
    CHECK(t.decode(ids, control_text::show) == "ab<s>ab</s> ab<think>c");
    CHECK(t.decode(ids) == "abab ab<think>c");
    CHECK(t.encode("").empty());
    CHECK(t.encode("<s>") == std::vector<token_id>{1});
    vocabulary v = small_sentencepiece();
    v.add_space_prefix = false;
    const tokenizer plain(v);
    CHECK(plain.encode("ab<s>ab") == std::vector<token_id>{260, 1, 260});
    CHECK(plain.decode(std::vector<token_id>{259}) == " a");
    v = small_sentencepiece();
    v.types['z' + 3] = token_type::unused;
    const tokenizer without_z(v);  // the unknown token is part of the text: the space after it stays
    CHECK(without_z.decode(without_z.encode("z ab"), control_text::show) == "<unk> ab");
}

TEST_CASE("detokenizer: what goes on with a text keeps its first space") {
    const tokenizer t(small_sentencepiece());
    detokenizer begins(t), goes_on(t, control_text::hide, true);
    CHECK(begins.feed(261) == "ab");
    CHECK(goes_on.feed(261) == " ab");
    CHECK(goes_on.feed(1) == "");
    CHECK(goes_on.feed(261) == "ab");
}

TEST_CASE("tokenizer: text is brought to NFC where the vocabulary asks for it") {
    vocabulary v = small_vocabulary();
    CHECK(tokenizer(v).encode("e\xCC\x81") == std::vector<token_id>{'e', 0xCC, 0x81});
    v.nfc = true;
    CHECK(tokenizer(v).encode("e\xCC\x81") == std::vector<token_id>{0xC3, 0xA9});
    v.nfc.reset();
    v.pre = "qwen2";
    CHECK(tokenizer(v).encode("e\xCC\x81") == std::vector<token_id>{0xC3, 0xA9});
}

TEST_CASE("tokenizer: one tokenizer serves several threads") {
    const tokenizer t(small_vocabulary());
    const auto expected = t.encode("abc <s> aaaa abab");
    std::vector<int> equal(4);
    std::vector<std::thread> threads;
    for (int& n : equal)
        threads.emplace_back([&] {
            for (int i = 0; i < 100; ++i) n += t.encode("abc <s> aaaa abab") == expected ? 1 : 0;
        });
    for (auto& thread : threads) thread.join();
    CHECK(equal == std::vector<int>(4, 100));
}
