// SPDX-License-Identifier: MIT
// What read_vocabulary makes of every key, of files that leave it out and of those that get it wrong.
#include <cstdint>
#include <optional>
#include <string>
#include <support/gguf_writer.hpp>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/vocabulary.hpp>
#include <wafer/io/gguf.hpp>

using namespace wafer;
using wafer_test::gguf_writer;

namespace {

const std::string prefix = "tokenizer.ggml.";

gguf_writer some(const std::string& model, std::size_t n_tokens = 8) {
    gguf_writer file;
    file.pair("general.architecture", "llama").pair(prefix + "model", model);
    std::vector<std::string> tokens;
    for (std::size_t i = 0; i < n_tokens; ++i) tokens.push_back("t" + std::to_string(i));
    return file.array(prefix + "tokens", tokens);
}

std::optional<vocabulary> read(const gguf_writer& file) {
    const auto bytes = file.bytes();
    return read_vocabulary(parse_gguf(bytes));
}

template <class T>
vocabulary with(const std::string& model, const std::string& key, const T& value) {
    auto file = some(model);
    return read(file.pair(prefix + key, value)).value();
}

errc refusal(const gguf_writer& file) {
    try {
        (void)read(file);
    } catch (const error& e) {
        return e.code();
    }
    return errc::cancelled;  // stands for "accepted"
}

}  // namespace

TEST_CASE("vocabulary: every key is read") {
    auto file = some("gpt2");
    file.pair(prefix + "pre", "qwen2");
    file.array(prefix + "merges", std::vector<std::string>{"a b", "ab c d", "x"});
    file.array(prefix + "scores", std::vector<float>{0, -1, -2, -3, -4, -5, -6, -7});
    file.array(prefix + "token_type", std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6, 7});
    const char* names[] = {"bos", "eos", "eot", "eom", "unknown"};
    for (std::uint32_t i = 0; i < 5; ++i) file.pair(prefix + names[i] + "_token_id", i + 1);
    for (const char* flag : {"add_bos_token", "add_eos_token", "add_space_prefix", "remove_extra_whitespaces"})
        file.pair(prefix + flag, true);
    const vocabulary v = read(file).value();
    CHECK(v.model == "gpt2");
    CHECK(v.pre == "qwen2");
    CHECK(v.tokens.at(7) == "t7");
    CHECK((v.merges == std::vector<std::pair<std::string, std::string>>{{"a", "b"}, {"ab", "c d"}, {"x", ""}}));
    CHECK(v.scores.at(3) == -3);
    using enum token_type;
    CHECK((v.types == std::vector<token_type>{normal, normal, unknown, control, user_defined, unused, byte, normal}));
    CHECK(v.bos == 1);
    CHECK(v.eos == 2);
    CHECK(v.eot == 3);
    CHECK(v.eom == 4);
    CHECK(v.unknown == 5);
    CHECK((v.add_bos && v.add_eos && v.remove_extra_whitespaces));
    CHECK(v.add_space_prefix == true);
}

TEST_CASE("vocabulary: what a byte-level file does not say") {
    const vocabulary v = read(some("gpt2")).value();
    CHECK(v.pre == "default");
    CHECK((v.merges.empty() && v.scores.empty() && v.types.empty() && v.added.empty()));
    CHECK_FALSE((v.bos || v.eos || v.eot || v.eom || v.unknown));
    CHECK_FALSE((v.add_bos || v.add_eos || v.remove_extra_whitespaces));
    CHECK_FALSE((v.add_space_prefix || v.nfc || v.ignore_merges));
    for (const char* pre : {"llama-bpe", "llama3", "llama-v3", "tekken"}) CHECK(with("gpt2", "pre", pre).add_bos);
    CHECK_FALSE(with("gpt2", "pre", "qwen2").add_bos);
}

TEST_CASE("vocabulary: what a SentencePiece file does not say is as in Llama") {
    const vocabulary v = read(some("llama")).value();
    CHECK(v.unknown == 0);
    CHECK(v.bos == 1);
    CHECK(v.eos == 2);
    CHECK(v.add_bos);
    CHECK_FALSE(v.add_eos);
    CHECK_FALSE(with("llama", "add_bos_token", false).add_bos);
    CHECK_FALSE(read(some("llama", 2)).value().eos);  // there is no third token
}

TEST_CASE("vocabulary: none, by any name") {
    CHECK_FALSE(read(some("none")));
    CHECK_FALSE(read(some("no_vocab")));
    gguf_writer file;
    CHECK_FALSE(read(file.pair("general.architecture", "llama")));
}

TEST_CASE("vocabulary: an id of no token is as good as none, and a warning tells") {
    for (const std::int32_t id : {8, -1, 0x7FFFFFFF})
        for (const char* name : {"bos", "eos", "unknown", "eot", "eom"}) {
            const vocabulary v = with("llama", std::string(name) + "_token_id", id);
            const auto of = [&](std::string_view which, const std::optional<token_id>& found) {
                CHECK(found.has_value() == (which != name && which != "eot" && which != "eom"));
            };
            of("bos", v.bos), of("eos", v.eos), of("unknown", v.unknown), of("eot", v.eot), of("eom", v.eom);
            REQUIRE(v.warnings.size() == 1);
            CHECK(v.warnings[0] == "key tokenizer.ggml." + std::string(name) + "_token_id names token " +
                                       std::to_string(id) + ", which is outside the vocabulary of 8 tokens");
        }
    CHECK(with("llama", "padding_token_id", 9).warnings.empty());  // not read
    CHECK(with("llama", "suppress_tokens", 1).warnings.size() == 1);
}

TEST_CASE("vocabulary: keys of other types, and a file without tokens, are refused") {
    for (const char* key : {"pre", "merges", "scores", "token_type", "bos_token_id", "add_bos_token",
                            "add_space_prefix", "remove_extra_whitespaces"}) {
        CAPTURE(key);
        auto file = some("gpt2");
        CHECK(refusal(file.array(prefix + key, std::vector<bool>{true})) == errc::wrong_type);
    }
    gguf_writer file;
    CHECK(refusal(file.pair("general.architecture", "llama").pair(prefix + "model", "gpt2")) == errc::missing_key);
}
