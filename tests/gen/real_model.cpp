// SPDX-License-Identifier: MIT
// A trained model, not a synthetic one, against the text that was published with it.
#include <filesystem>
#include <string>

#include <doctest/doctest.h>

#include <wafer/gen/model.hpp>
#include <wafer/gen/session.hpp>

using namespace wafer;

// llama2.c's stories260K (MIT licence); see shared/oracle/real/README.md. The file is not part of the repository.
TEST_CASE("real model: stories260K tells its published story, byte for byte") {
    const std::filesystem::path file = WAFER_SHARED "/oracle/real/stories260K.gguf";
    if (!std::filesystem::exists(file)) {
        MESSAGE("skipped: ", file.string(), " is not there");
        return;
    }
    const std::string story =
        ", there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red "
        "ball. "
        "She wanted to play with it, but it was too high.\n"
        "Lily's mom said, \"Lily, let's go to the park.\" Lily was sad and didn't know what to do. She said, \"I want "
        "to "
        "play with your ball, but I can't find it.\"\n"
        "Lily was sad and didn't know what to do. She said, \"I'm sorry, Lily. I didn't know what to do.\"\n"
        "Lily didn't want to help her mom, so she";
    const auto m = load(file);
    session_options how;
    how.how.temperature = 0;
    how.shape.cache_type = dtype::f32;
    how.max_tokens = 196;
    session<> chat(m, how);
    CHECK(chat.complete("Once upon a time").text() == story);
    CHECK(chat.stats().generated == 196);
}
