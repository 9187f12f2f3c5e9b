// SPDX-License-Identifier: MIT
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/io/metadata.hpp>

using wafer::errc;
using wafer::metadata;

namespace {

metadata sample() {
    metadata meta("model.gguf");
    CHECK(meta.insert("layers", std::uint64_t{32}));
    CHECK(meta.insert("shift", std::int64_t{-3}));
    CHECK(meta.insert("eps", 0.1));
    CHECK(meta.insert("name", std::string_view("tiny")));
    CHECK(meta.insert("flag", true));
    CHECK(meta.insert("ids", std::vector<std::int64_t>{1, -2, 300}));
    CHECK(meta.insert("tokens", std::vector<std::string_view>{"a", "bc"}));
    CHECK(meta.insert("flags", std::vector<bool>{true, false}));
    return meta;
}

template <class T>
std::string refusal(const metadata& meta, std::string_view key) {
    try {
        static_cast<void>(meta.require<T>(key));
    } catch (const wafer::error& e) {
        CHECK(e.where().tensor == key);
        CHECK(e.where().file == "model.gguf");
        return std::string(to_string(e.code()));
    }
    return "accepted";
}

}  // namespace

TEST_CASE("metadata: entries keep their order and no key comes twice") {
    metadata meta = sample();
    CHECK(meta.entries().front().key == "layers");
    CHECK(meta.entries().back().key == "flags");
    CHECK_FALSE(meta.insert("name", std::uint64_t{1}));
    CHECK(meta.require<std::string>("name") == "tiny");
    CHECK(meta.contains("eps"));
    CHECK(meta.find_value("none") == nullptr);
}

TEST_CASE("metadata: numbers convert where nothing is lost") {
    const metadata meta = sample();
    CHECK(meta.require<std::uint8_t>("layers") == 32);
    CHECK(meta.require<std::int32_t>("layers") == 32);
    CHECK(meta.require<int>("shift") == -3);
    CHECK(meta.require<float>("eps") == 0.1f);
    CHECK(meta.require<double>("layers") == 32.0);
    CHECK(meta.require<bool>("flag"));
    CHECK(meta.require<std::vector<std::int16_t>>("ids") == std::vector<std::int16_t>{1, -2, 300});
    CHECK(meta.require<std::vector<double>>("ids") == std::vector<double>{1, -2, 300});
    CHECK(meta.require<std::span<const std::string_view>>("tokens")[1] == "bc");
    CHECK(meta.require<std::vector<std::string>>("tokens") == std::vector<std::string>{"a", "bc"});
    CHECK(meta.require<std::vector<bool>>("flags") == std::vector<bool>{true, false});
    CHECK_FALSE(meta.find<int>("none").has_value());

    metadata big("model.gguf");
    CHECK(big.insert("n", std::numeric_limits<std::uint64_t>::max()));
    CHECK(big.insert("even", std::uint64_t{1} << 53));
    CHECK(refusal<std::int64_t>(big, "n") == "wrong_type");
    CHECK(refusal<double>(big, "n") == "wrong_type");
    CHECK(big.require<double>("even") == 9007199254740992.0);
    CHECK(refusal<float>(big, "even") == "wrong_type");
}

TEST_CASE("metadata: what does not convert or is not there is named") {
    const metadata meta = sample();
    CHECK(refusal<std::uint32_t>(meta, "shift") == "wrong_type");
    CHECK(refusal<int>(meta, "eps") == "wrong_type");
    CHECK(refusal<int>(meta, "flag") == "wrong_type");
    CHECK(refusal<bool>(meta, "layers") == "wrong_type");
    CHECK(refusal<std::string>(meta, "layers") == "wrong_type");
    CHECK(refusal<int>(meta, "ids") == "wrong_type");
    CHECK(refusal<std::vector<int>>(meta, "layers") == "wrong_type");
    CHECK(refusal<std::vector<std::uint8_t>>(meta, "ids") == "wrong_type");
    CHECK(refusal<std::vector<int>>(meta, "tokens") == "wrong_type");
    CHECK(refusal<int>(meta, "none") == "missing_key");
    CHECK_THROWS_AS(static_cast<void>(meta.find<int>("name")), const wafer::error&);
}

TEST_CASE("metadata: values are described for people") {
    const metadata meta = sample();
    CHECK(metadata::describe(*meta.find_value("layers")) == "the integer 32");
    CHECK(metadata::describe(*meta.find_value("name")) == "a string of 4 bytes");
    CHECK(metadata::describe(*meta.find_value("tokens")) == "an array of 2 strings");
    CHECK(metadata::describe(*meta.find_value("flag")) == "true");
}
