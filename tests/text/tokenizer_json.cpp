// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <support/read_text.hpp>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/tokenizer.hpp>
#include <wafer/text/tokenizer_json.hpp>

using namespace wafer;
using ids = std::vector<token_id>;

namespace {

json level() {
    return json::parse(R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false})");
}
json split(std::string_view pattern) {
    json part = json::parse(R"({"type":"Split","pattern":{},"behavior":"Isolated","invert":false})");
    part.set("pattern", json::object{{"Regex", pattern}});
    return part;
}

// The bytes, "ab", "abb"; then "<s>" and a plain added token.
json byte_level_file() {
    json vocab = json::object{};
    for (int byte = 0; byte < 256; ++byte) {
        std::string text;
        append_utf8(text, byte_level_alphabet[static_cast<std::size_t>(byte)]);
        vocab.set(text, byte);
    }
    vocab.set("ab", 256).set("abb", 257);
    json model = json::object{{"type", "BPE"}, {"unk_token", nullptr}, {"vocab", vocab}};
    model.set("merges", json::array{"a b", json::array{"ab", "b"}});
    json file = json::object{{"version", "1.0"}, {"normalizer", nullptr}, {"post_processor", nullptr}};
    file.set("pre_tokenizer",
             json::object{{"type", "Sequence"}, {"pretokenizers", json::array{split(detail::qwen2_pattern), level()}}});
    file.set("added_tokens", json::parse(R"([
        {"id":258,"content":"<s>","single_word":false,"lstrip":false,"rstrip":true,"normalized":false,"special":true},
        {"id":260,"content":"<t>","single_word":false,"lstrip":false,"rstrip":false,"normalized":true,"special":false}])"));
    file.set("model", model);
    return file;
}

// Llama 2 in this form: spaces as U+2581, bytes for what has no token.
json sentencepiece_file() {
    return json::parse(
        "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":["
        "{\"type\":\"Prepend\",\"prepend\":\"\xE2\x96\x81\"},"
        "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\xE2\x96\x81\"}]},"
        "\"pre_tokenizer\":null,\"added_tokens\":["
        "{\"id\":0,\"content\":\"<unk>\",\"special\":true},{\"id\":1,\"content\":\"<s>\",\"special\":true}],"
        "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"fuse_unk\":true,\"byte_fallback\":true,"
        "\"vocab\":{\"<unk>\":0,\"<s>\":1,\"<0x21>\":2,\"\xE2\x96\x81\":3,\"a\":4,\"b\":5,\"ab\":6,"
        "\"\xE2\x96\x81"
        "a\":7},\"merges\":[\"\xE2\x96\x81 a\",[\"a\",\"b\"]]}}");
}

// The file with one member, or a member of the model, replaced.
json with(json file, std::string key, json value) { return file.set(std::move(key), std::move(value)); }
json with_model(json file, std::string key, json value) {
    json model = file.at("model");
    model.set(std::move(key), std::move(value));
    return file.set("model", model);
}

// The patterns as the published files have them, not as the header does.
std::vector<std::string> published(std::string_view pre) {
    const std::string path = std::string(WAFER_TEST_DATA) + "/text/known_splits.json";
    const json all = json::parse(wafer_test::read_text(path).value());
    std::vector<std::string> out;
    for (const json& known : all.as_array())
        if (known.at("pre").as_string() == pre)
            for (const json& pattern : known.at("patterns").as_array()) out.push_back(pattern.as_string());
    return out;
}

errc refusal(const json& file, const json& config = {}) {
    try {
        (void)tokenizer(read_tokenizer_json(file, config));
    } catch (const error& e) {
        return e.code();
    }
    return errc::cancelled;  // stands for "accepted"
}

}  // namespace

TEST_CASE("tokenizer_json: byte-level BPE, merges in either form, added tokens with their flags") {
    const vocabulary v = read_tokenizer_json(byte_level_file());
    CHECK(v.model == "gpt2");
    CHECK(v.pre == "qwen2");
    CHECK(v.nfc == false);
    CHECK(v.ignore_merges == false);
    CHECK((v.merges == std::vector<std::pair<std::string, std::string>>{{"a", "b"}, {"ab", "b"}}));
    CHECK(v.types.at(258) == token_type::control);
    CHECK(v.types.at(259) == token_type::unused);  // a gap in the ids
    CHECK(v.types.at(260) == token_type::user_defined);
    CHECK(v.added.size() == 2);
    const tokenizer t(v);
    CHECK(t.encode("abbab<s> a<t>") == ids{257, 256, 258, 'a', 260});
    CHECK_FALSE(t.adds_bos());
}

TEST_CASE("tokenizer_json: every known split is recognised by its text, with line breaks written either way") {
    for (const auto& known : detail::known_splits()) {
        CAPTURE(known.pre);
        CHECK(find_pretokenizer(known.pre) != nullptr);
        for (const bool raw : {true, false}) {
            json parts = json::array{};
            for (const std::string& pattern : published(known.pre))
                parts.push_back(split(raw ? replace_all(replace_all(pattern, "\\r", "\r"), "\\n", "\n") : pattern));
            parts.push_back(level());
            const json pre = json::object{{"type", "Sequence"}, {"pretokenizers", parts}};
            CHECK(read_tokenizer_json(with(byte_level_file(), "pre_tokenizer", pre)).pre == known.pre);
        }
    }
    const json gpt2 = json::parse(R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true})");
    CHECK(read_tokenizer_json(with(byte_level_file(), "pre_tokenizer", gpt2)).pre == "gpt-2");
    json removed = split(detail::gpt4o_pattern);
    removed.set("behavior", "Removed").set("invert", true);
    const json pre = json::object{{"type", "Sequence"}, {"pretokenizers", json::array{removed, level()}}};
    CHECK(read_tokenizer_json(with(byte_level_file(), "pre_tokenizer", pre)).pre == "gpt-4o");
}

TEST_CASE("tokenizer_json: an unknown pattern is named") {
    const json pre = json::object{{"type", "Sequence"}, {"pretokenizers", json::array{split("\\w+ odd"), level()}}};
    CHECK_THROWS_WITH_AS((void)read_tokenizer_json(with(byte_level_file(), "pre_tokenizer", pre)),
                         doctest::Contains("\\w+ odd"), error);
    CHECK(refusal(with(byte_level_file(), "pre_tokenizer", pre)) == errc::unsupported_tokenizer);
}

TEST_CASE("tokenizer_json: the normalizer and ignore_merges are taken over") {
    for (const char* text : {R"({"type":"NFC"})", R"({"type":"Sequence","normalizers":[{"type":"NFC"}]})"})
        CHECK(read_tokenizer_json(with(byte_level_file(), "normalizer", json::parse(text))).nfc == true);
    const json nothing = json::parse(R"({"type":"Sequence","normalizers":[]})");
    CHECK(read_tokenizer_json(with(byte_level_file(), "normalizer", nothing)).nfc == false);
    CHECK(read_tokenizer_json(with_model(byte_level_file(), "ignore_merges", true)).ignore_merges == true);
    CHECK_THROWS_WITH_AS(
        (void)read_tokenizer_json(with(byte_level_file(), "normalizer", json::parse(R"({"type":"Lowercase"})"))),
        doctest::Contains("Lowercase"), error);
}

TEST_CASE("tokenizer_json: BOS and EOS come from the post-processor, and the configuration overrides") {
    const json bos = json::parse(R"({"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"TemplateProcessing",
        "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]}]})");
    vocabulary v = read_tokenizer_json(with(byte_level_file(), "post_processor", bos));
    CHECK(v.bos == 258);
    CHECK(v.add_bos);
    CHECK_FALSE(v.add_eos);
    const json roberta = json::parse(R"({"type":"RobertaProcessing","sep":["<t>",260],"cls":["<s>",258]})");
    v = read_tokenizer_json(with(byte_level_file(), "post_processor", roberta));
    CHECK((v.add_bos && v.add_eos));
    CHECK(v.eos == 260);
    const json config = json::parse(R"({"bos_token":null,"eos_token":{"content":"<t>"},"pad_token":"<none>",
        "add_bos_token":false,"chat_template":"x"})");
    v = read_tokenizer_json(with(byte_level_file(), "post_processor", bos), config);
    CHECK(v.bos == 258);
    CHECK(v.eos == 260);
    CHECK_FALSE(v.add_bos);
    const json two = json::parse(R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},
        {"SpecialToken":{"id":"<t>"}},{"Sequence":{"id":"A"}}]})");
    CHECK(refusal(with(byte_level_file(), "post_processor", two)) == errc::unsupported_tokenizer);
    CHECK(refusal(byte_level_file(), json::parse(R"({"eos_token":"<none>"})")) == errc::bad_vocabulary);
}

TEST_CASE("tokenizer_json: a template's own names for tokens go before theirs") {
    json post = json::parse(R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<t>"}},
        {"Sequence":{"id":"A"}}],"special_tokens":{"<t>":{"id":"<t>","ids":[258],"tokens":["<s>"]}}})");
    CHECK(read_tokenizer_json(with(byte_level_file(), "post_processor", post)).bos == 258);
    const auto with_ids = [&](json some) {
        return with(byte_level_file(), "post_processor",
                    post.set("special_tokens", json::object{{"<t>", json::object{{"ids", std::move(some)}}}}));
    };
    CHECK(refusal(with_ids(json::array{999})) == errc::bad_vocabulary);
    CHECK(refusal(with_ids(json::array{-1})) == errc::bad_vocabulary);
    CHECK(refusal(with_ids(json::array{258, 260})) == errc::unsupported_tokenizer);
}

TEST_CASE("tokenizer_json: an unknown token that only the configuration names") {
    const json config = json::parse(R"({"unk_token":"<t>"})");
    CHECK(read_tokenizer_json(byte_level_file(), config).unknown == 260);
}

TEST_CASE("tokenizer_json: merges of names with a space inside") {
    json file = byte_level_file();
    json model = file.at("model");
    json vocab = model.at("vocab");
    vocab.set("a b", 261).set("a bc", 262);
    model.set("vocab", vocab).set("merges", json::array{"a b", json::array{"a b", "c"}});
    CHECK(refusal(file.set("model", model)) == errc::cancelled);
}

TEST_CASE("tokenizer_json: digits one by one are not digits together") {
    const auto digits = [](bool individual) {
        const json part = json::object{{"type", "Digits"}, {"individual_digits", individual}};
        json parts = json::array{};
        for (const std::string& pattern : published("deepseek-coder"))
            if (pattern != R"(\p{N})") parts.push_back(split(pattern));
        parts.push_back(part);
        parts.push_back(level());
        return with(byte_level_file(), "pre_tokenizer", json::object{{"type", "Sequence"}, {"pretokenizers", parts}});
    };
    CHECK(read_tokenizer_json(digits(true)).pre == "deepseek-coder");
    CHECK(refusal(digits(false)) == errc::unsupported_tokenizer);
}

TEST_CASE("tokenizer_json: splits that lose text, or come after the byte level, are refused") {
    const auto of = [](const json& parts) {
        return with(byte_level_file(), "pre_tokenizer", json::object{{"type", "Sequence"}, {"pretokenizers", parts}});
    };
    json lossy = json::array{};
    for (const std::string& pattern : published("deepseek-coder")) {
        json part = split(pattern);
        lossy.push_back(part.set("behavior", "Removed").set("invert", true));
    }
    lossy.push_back(level());
    CHECK(refusal(of(lossy)) == errc::unsupported_tokenizer);
    CHECK(refusal(of(json::array{split(detail::gpt2_pattern), level()})) == errc::cancelled);
    CHECK(refusal(of(json::array{level(), split(detail::gpt2_pattern)})) == errc::unsupported_tokenizer);
}

TEST_CASE("tokenizer_json: BPE in the manner of SentencePiece") {
    const vocabulary v = read_tokenizer_json(sentencepiece_file());
    CHECK(v.model == "llama");
    CHECK(v.unknown == 0);
    CHECK(v.types.at(0) == token_type::unknown);
    CHECK(v.types.at(2) == token_type::byte);
    CHECK(v.add_space_prefix == true);
    const tokenizer t(v);
    CHECK(t.encode("ab<s>b!zz") == ids{7, 5, 1, 3, 5, 2, 0});
    CHECK(t.decode(t.encode("ab a")) == "ab a");
    CHECK(t.encode("a<unk>") == ids{7, 0});
    json file = sentencepiece_file();
    json model = file.at("model");
    json vocab = model.at("vocab");
    model.set("vocab", vocab.set("<0xZZ>", 8));
    CHECK(read_tokenizer_json(file.set("model", model)).types.at(8) == token_type::normal);
}

TEST_CASE("tokenizer_json: a Metaspace puts a space only where none is, and perhaps only at the beginning") {
    const auto of = [](std::string_view more) {
        json file = with(sentencepiece_file(), "normalizer", nullptr);
        return with(file, "pre_tokenizer",
                    json::parse("{\"type\":\"Metaspace\",\"replacement\":\"\xE2\x96\x81\"" + std::string(more) + "}"));
    };
    const auto whole = [&](std::string_view scheme) {
        return tokenizer(read_tokenizer_json(of(R"(,"split":false,"prepend_scheme":)" + json(scheme).dump())));
    };
    const tokenizer always = whole("always"), first = whole("first"), never = whole("never");
    for (const tokenizer* t : {&always, &first}) CHECK(t->encode("ab a") == ids{7, 5, 7});
    CHECK(never.encode("ab a") == ids{6, 7});
    for (const tokenizer* t : {&always, &first, &never}) {
        CHECK(t->encode(" a") == ids{7});
        CHECK(t->encode("\xE2\x96\x81"
                        "a") == ids{7});
        CHECK(t->encode("  a") == ids{3, 7});
        CHECK(t->decode(t->encode("ab<s>b a"), control_text::show) == "ab<s>b a");
    }
    CHECK(always.encode("a<s>a") == ids{7, 1, 7});
    CHECK(first.encode("a<s>a") == ids{7, 1, 4});
    CHECK(first.encode("<s>a") == ids{1, 4});
    CHECK(first.decode(ids{1, 7}) == "a");  // BOS, and then a text
    CHECK(first.decode(ids{4, 1, 7}) == "a a");
    CHECK(always.decode(ids{4, 1, 7}) == "aa");
    CHECK(never.decode(ids{7}) == " a");

    CHECK(read_tokenizer_json(of("")).add_space_prefix == true);
    CHECK(read_tokenizer_json(of(R"(,"add_prefix_space":false)")).add_space_prefix == false);
    CHECK(refusal(of(R"(,"prepend_scheme":"last")")) == errc::unsupported_tokenizer);
    CHECK(refusal(with(of(""), "pre_tokenizer", json::parse(R"({"type":"Metaspace"})"))) == errc::missing_key);
    CHECK(refusal(with(of(""), "normalizer", sentencepiece_file().at("normalizer"))) == errc::unsupported_tokenizer);

    // As Gemma's: spaces are replaced by then, and none is left to split at.
    const json replace = sentencepiece_file().at("normalizer").at("normalizers").at(std::size_t{1});
    json parts = json::array{of(R"(,"prepend_scheme":"never","split":false)").at("pre_tokenizer")};
    parts.push_back(json::parse(R"({"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious"})"));
    const json sequence = json::object{{"type", "Sequence"}, {"pretokenizers", parts}};
    const json file = with(with(sentencepiece_file(), "normalizer", replace), "pre_tokenizer", sequence);
    CHECK(tokenizer(read_tokenizer_json(file)).encode("ab a") == ids{6, 7});
}

TEST_CASE("tokenizer_json: added tokens of spaces are merged like others; in a text as it is, there are none") {
    json file = sentencepiece_file(), added = file.at("added_tokens");
    added.push_back(json::parse("{\"id\":7,\"content\":\"\xE2\x96\x81"
                                "a\",\"special\":false}"));
    const tokenizer t(read_tokenizer_json(with(file, "added_tokens", added)));
    CHECK(t.encode("b a") == ids{3, 5, 7});
    CHECK(t.decode(t.encode("b a")) == "b a");
}

TEST_CASE("tokenizer_json: a Metaspace that splits lets no token go across a space") {
    json file = with(sentencepiece_file(), "normalizer", nullptr);
    json vocab = file.at("model").at("vocab"), merges = file.at("model").at("merges");
    vocab.set("\xE2\x96\x81\xE2\x96\x81", 8);
    json::array first{"\xE2\x96\x81 \xE2\x96\x81"};
    first.insert(first.end(), merges.as_array().begin(), merges.as_array().end());
    file = with_model(with_model(file, "vocab", vocab), "merges", first);
    json part = json::parse("{\"type\":\"Metaspace\",\"replacement\":\"\xE2\x96\x81\"}");
    CHECK(tokenizer(read_tokenizer_json(with(file, "pre_tokenizer", part))).encode("b  a") == ids{3, 5, 3, 7});
    part.set("split", false);
    CHECK(tokenizer(read_tokenizer_json(with(file, "pre_tokenizer", part))).encode("b  a") == ids{3, 5, 8, 4});
}

TEST_CASE("tokenizer_json: what is not supported, or contradicts itself, is refused") {
    const json file = byte_level_file();
    const json bytes = file.at("model").at("vocab");
    CHECK(refusal(file) == errc::cancelled);
    CHECK(refusal(json::object{}) == errc::missing_key);
    CHECK(refusal(json::array{}) == errc::missing_key);
    CHECK(refusal(with_model(file, "type", "Unigram")) == errc::unsupported_tokenizer);
    CHECK(refusal(with_model(file, "type", 1)) == errc::wrong_type);
    CHECK(refusal(with_model(file, "end_of_word_suffix", "</w>")) == errc::unsupported_tokenizer);
    CHECK(refusal(with_model(file, "vocab", json::object{})) == errc::bad_vocabulary);
    CHECK(refusal(with_model(file, "vocab", json::array{})) == errc::wrong_type);
    for (const json& id : {json(-1), json(std::int64_t{1} << 62), json(100000), json(97)})
        CHECK(refusal(with_model(file, "vocab", json(bytes).set("new", id))) == errc::bad_vocabulary);
    CHECK(refusal(with_model(file, "vocab", json(bytes).set("new", "x"))) == errc::wrong_type);
    CHECK(refusal(with_model(file, "merges", json::array{json(json::array{"a"})})) == errc::bad_vocabulary);
    CHECK(refusal(with_model(file, "merges", json::array{"a nothing"})) == errc::bad_vocabulary);
    CHECK(refusal(with_model(file, "merges", json::array{7})) == errc::wrong_type);
    CHECK(refusal(with(file, "pre_tokenizer", nullptr)) == errc::unsupported_tokenizer);
    CHECK(refusal(with(file, "pre_tokenizer", json::parse(R"({"type":"ByteLevel","add_prefix_space":true})"))) ==
          errc::unsupported_tokenizer);
    CHECK(refusal(with(file, "pre_tokenizer", json::parse(R"({"type":"Whitespace"})"))) == errc::unsupported_tokenizer);
    CHECK(refusal(with(file, "pre_tokenizer", split("\\s+"))) == errc::unsupported_tokenizer);
    CHECK(refusal(with(file, "post_processor", json::parse(R"({"type":"Odd"})"))) == errc::unsupported_tokenizer);
    CHECK(refusal(with(file, "added_tokens", json::parse(R"([{"id":5,"content":"odd"}])"))) == errc::bad_vocabulary);
    CHECK(refusal(with(file, "added_tokens", json::parse(R"([{"content":"odd"}])"))) == errc::missing_key);
    CHECK(tokenizer(
              read_tokenizer_json(with(file, "added_tokens", json::parse(R"([{"id":258,"content":"xx","special":true},
        {"id":259,"content":"xx","special":true}])"))))
              .encode("xx") == std::vector<token_id>{259});
    CHECK(refusal(with(sentencepiece_file(), "pre_tokenizer", level())) == errc::unsupported_tokenizer);
}

TEST_CASE("tokenizer_json: with any part replaced, the file is refused or read") {
    const json others[] = {nullptr, 1, -1, 1e300, true, "x", json::array{}, json::object{}, json::array{1, "a"}};
    const json config = json::parse(R"({"bos_token":"<s>","eos_token":{"content":"<s>"},"add_bos_token":true})");
    int read = 0, refused = 0;
    const auto check = [&](const json& file, const json& some_config) {
        try {
            const tokenizer t(read_tokenizer_json(file, some_config));
            (void)t.decode(t.encode("ab<s> a\xC3\xA9!"));
            ++read;
        } catch (const error&) {
            ++refused;
        }
    };
    using try_each = std::function<void(const json&)>;
    // Tries the value with every part of it replaced in turn, but of the vocabulary's tokens only the first few.
    const auto replace_each = [&](auto&& self, const json& part, const auto& try_it) -> void {
        for (const json& other : others) try_it(other);
        if (part.is_array())
            for (std::size_t i = 0; i < part.as_array().size(); ++i)
                self(self, part.at(i), try_each([&](const json& changed) {
                         json::array all = part.as_array();
                         all[i] = changed;
                         try_it(all);
                     }));
        if (part.is_object())
            for (std::size_t i = 0; i < std::min<std::size_t>(part.as_object().size(), 11); ++i)
                self(self, part.as_object()[i].second, try_each([&](const json& changed) {
                         json::object all = part.as_object();
                         all[i].second = changed;
                         try_it(all);
                     }));
    };
    for (const json& file : {byte_level_file(), sentencepiece_file()})
        replace_each(replace_each, file, try_each([&](const json& changed) { check(changed, config); }));
    replace_each(replace_each, config, try_each([&](const json& changed) { check(byte_level_file(), changed); }));
    CHECK(read > 50);
    CHECK(refused > 300);
}
