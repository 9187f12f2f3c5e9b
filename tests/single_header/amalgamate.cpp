// SPDX-License-Identifier: MIT
#include "amalgamate.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <support/temporary.hpp>

#include <doctest/doctest.h>

namespace {

using files = std::map<std::string, std::string>;

// A header of any room: its second line is written with its file.
[[nodiscard]] std::string header(std::string_view rest) {
    return "// SPDX-License-Identifier: MIT\n@head\n#pragma once\n" + std::string(rest);
}
[[nodiscard]] std::string body(std::string_view rest) {
    return "// SPDX-License-Identifier: MIT\n" + std::string(rest);
}

// A house of four files that may stand. Tests add to it and change it.
[[nodiscard]] files small_house() {
    return {{"wafer/core/version.hpp", header("#define WAFER_VERSION_STRING \"1.2.3\"\n")},
            {"wafer/core/a.hpp",
             header("#include <vector>\n#include <wafer/core/version.hpp>\nnamespace w {\nint a;\n}  // namespace\n")},
            {"wafer/simd/b.hpp",
             header("#include <array>\n#include <wafer/core/a.hpp>\nnamespace w {\nint b;\n}  // namespace\n")},
            {"wafer/llm.hpp", header("#include <wafer/core/a.hpp>\n#include <wafer/simd/b.hpp>\n")}};
}

[[nodiscard]] std::string amalgamate(const files& house) {
    const wafer_test::temporary_directory folder;
    for (const auto& [name, text] : house) {
        std::filesystem::create_directories((folder.path() / name).parent_path());
        std::string whole = text;
        if (const auto at = whole.find("@head"); at != whole.npos)
            whole.replace(at, 5, name == single_header::root ? "//" : single_header::head_of(name));
        std::ofstream(folder.path() / name, std::ios::binary) << whole;
    }
    return single_header::amalgamate(folder.path(), "Do what you like.\n\nNo warranty.\n");
}

// Why a house is refused: "FILE:LINE: reason". Empty if it is not.
[[nodiscard]] std::string complaint(const files& house) {
    try {
        return amalgamate(house).substr(0, 0);
    } catch (const single_header::refusal& e) {
        return e.what();
    }
}

// The small house with another text for one file, which wafer/llm.hpp includes if it is new.
[[nodiscard]] std::string complaint_of(const std::string& name, const std::string& text) {
    files house = small_house();
    if (!house.contains(name)) house["wafer/llm.hpp"] += "#include <" + name + ">\n";
    house[name] = text;
    return complaint(house);
}

[[nodiscard]] std::size_t count(std::string_view text, std::string_view word) {
    std::size_t n = 0;
    for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++n;
    return n;
}

}  // namespace

TEST_CASE("amalgamate: every header once, what it includes above it, the system's includes first") {
    const std::string text = amalgamate(small_house());
    CHECK(count(text, "int a;") == 1);
    CHECK(count(text, "int b;") == 1);
    CHECK(count(text, "#include <wafer/") == 0);
    CHECK(count(text, "#pragma once") == 0);
    CHECK(count(text, "SPDX") == 1);
    CHECK(text.find("WAFER_VERSION_STRING") < text.find("int a;"));
    CHECK(text.find("int a;") < text.find("int b;"));
    CHECK(text.find("#include <array>\n#include <vector>\n") < text.find("WAFER_VERSION_STRING"));
    CHECK(text.find("wafer 1.2.3") < text.find("// Do what you like.\n//\n// No warranty.\n"));
    CHECK(text.find("// No warranty.\n#ifndef WAFER_SINGLE_HEADER\n") != text.npos);
    CHECK(text.ends_with("#define WAFER_SINGLE_HEADER\n#endif\n"));
    CHECK(text == amalgamate(small_house()));
}

TEST_CASE("amalgamate: a body wherever it is included") {
    files house = small_house();
    house["wafer/simd/detail/body.ipp"] = body("int c;\n");
    house["wafer/simd/b.hpp"] +=
        "namespace x {\n#include <wafer/simd/detail/body.ipp>\n}  // namespace\n#if WAFER_Y\nnamespace y {\n"
        "#include <wafer/simd/detail/body.ipp>\n}  // namespace\n#endif\n";
    const std::string text = amalgamate(house);
    CHECK(text.find("namespace x {\n\n// ---- wafer/simd/detail/body.ipp\nint c;\n}  // namespace\n#if "
                    "WAFER_Y\nnamespace y {\n\n"
                    "// ---- wafer/simd/detail/body.ipp\nint c;\n}  // namespace\n#endif\n") != text.npos);
}

TEST_CASE("amalgamate: between #if and #endif stays what is included there, but not what that needs itself") {
    files house = small_house();
    house["wafer/io/here.hpp"] =
        header("#include <here.h>\n#include <wafer/tensor/t.hpp>\nnamespace w {\nint here;\n}  // namespace\n");
    house["wafer/io/there.hpp"] = header("#include <wafer/tensor/t.hpp>\nnamespace w {\nint there;\n}  // namespace\n");
    house["wafer/tensor/t.hpp"] = header("#include <deque>\nnamespace w {\nint t;\n}  // namespace\n");
    house["wafer/io/os.hpp"] =
        header("#if A\n#include <a.h>\n#include <wafer/io/here.hpp>\n#else\n"
               "#include <wafer/io/there.hpp>\n#endif\nnamespace w {\nint os;\n}  // namespace\n");
    house["wafer/llm.hpp"] += "#include <wafer/io/os.hpp>\n#include <wafer/tensor/t.hpp>\n";
    const std::string text = amalgamate(house);
    CHECK(text.find(
              "#if A\n#include <a.h>\n\n// ---- wafer/io/here.hpp\n// L3 io:\n#include <here.h>\nnamespace w {\nint "
              "here;\n}  // namespace\n"
              "#else\n\n// ---- wafer/io/there.hpp\n// L3 io:\nnamespace w {\nint there;\n}  // namespace\n#endif\n") !=
          text.npos);
    CHECK(count(text, "int t;") == 1);
    CHECK(text.find("int t;") < text.find("#if A"));
    CHECK(text.find("#include <deque>") < text.find("---- "));

    house["wafer/llm.hpp"] += "#include <wafer/io/here.hpp>\n";
    CHECK(complaint(house) == "wafer/llm.hpp:8: wafer/io/here.hpp is placed between other #if and #endif");
}

TEST_CASE("amalgamate: a header that is empty elsewhere may be included from anywhere, and include as if it were not") {
    files house = small_house();
    const std::string t = "#include <wafer/tensor/t.hpp>\n", w = "#include <wafer/io/windows.hpp>\n";
    house["wafer/tensor/t.hpp"] = header("namespace w {\nint t;\n}  // namespace\n");
    house["wafer/io/windows.hpp"] =
        header("\n#if WINDOWS\n\n#include <windows.h>\n" + t + "#if 1\nint w;\n#else\n#endif\n#endif\n");
    house["wafer/io/os.hpp"] = header("namespace w {\nint os;\n}  // namespace\n#if WINDOWS\n" + w + "#endif\n");
    house["wafer/io/map.hpp"] = header("#if WINDOWS || CE\n" + w + "#endif\n");
    house["wafer/llm.hpp"] += "#include <wafer/io/os.hpp>\n#include <wafer/io/map.hpp>\n" + t;
    const std::string text = amalgamate(house);
    CHECK(count(text, "int t;") == 1);
    CHECK(count(text, "int w;") == 1);
    CHECK(text.find("int os;") < text.find("int t;"));
    CHECK(text.find("int t;") <
          text.find("#if WINDOWS\n\n#include <windows.h>\n#if 1\nint w;\n#else\n#endif\n#endif\n"));
    CHECK(text.find("int t;") < text.find("int w;"));

    house["wafer/io/windows.hpp"] += "int x;\n";
    CHECK(complaint(house) == "wafer/io/map.hpp:5: wafer/io/windows.hpp is placed between other #if and #endif");
}

TEST_CASE("amalgamate: an include that points up or to a neighbour is refused") {
    const auto include = [](const std::string& from, const std::string& to) {
        files house = small_house();
        house[to] = header("");
        house[from] = header("#include <vector>\n#include <" + to + ">\n");
        house["wafer/llm.hpp"] += "#include <" + from + ">\n";
        return complaint(house);
    };
    CHECK(include("wafer/core/x.hpp", "wafer/tensor/y.hpp") ==
          "wafer/core/x.hpp:5: an include that does not point down: core to tensor");
    for (const auto& [from, to] : std::map<std::string, std::string>{{"core", "simd"},
                                                                     {"simd", "text"},
                                                                     {"text", "simd"},
                                                                     {"tensor", "io"},
                                                                     {"io", "sram"},
                                                                     {"sram", "io"},
                                                                     {"sram", "cost"},
                                                                     {"cost", "exec"},
                                                                     {"exec", "kernel"},
                                                                     {"kernel", "model"},
                                                                     {"model", "gen"}}) {
        CHECK(include("wafer/" + from + "/x.hpp", "wafer/" + to + "/y.hpp").find(":5: an include that") !=
              std::string::npos);
        CHECK(include("wafer/gen/x.hpp", "wafer/" + from + "/y.hpp").empty());
        CHECK(include("wafer/" + from + "/x.hpp", "wafer/" + from + "/deep/y.hpp").empty());
    }
    CHECK(include("wafer/cost/x.hpp", "wafer/fwd.hpp").find("cost to fwd.hpp") != std::string::npos);
    CHECK(include("wafer/exec/x.hpp", "wafer/fwd.hpp").empty());
    CHECK(include("wafer/gen/x.hpp", "wafer/attic/y.hpp") == "wafer/gen/x.hpp:5: attic is no room of the house");
}

TEST_CASE("amalgamate: a cyclic include is refused") {
    files house = small_house();
    house["wafer/core/version.hpp"] = header("#include <wafer/core/x.hpp>\n#define WAFER_VERSION_STRING \"1\"\n");
    house["wafer/core/x.hpp"] = header("\n\n#include <wafer/core/a.hpp>\n");
    CHECK(complaint(house) == "wafer/core/x.hpp:6: a cyclic include: wafer/core/a.hpp > wafer/core/version.hpp > "
                              "wafer/core/x.hpp > wafer/core/a.hpp");
    CHECK(complaint_of("wafer/core/self.hpp", header("#include <wafer/core/self.hpp>\n")) ==
          "wafer/core/self.hpp:4: a cyclic include: wafer/core/self.hpp > wafer/core/self.hpp");
}

TEST_CASE("amalgamate: a macro that leaks is refused") {
    const auto macro = [](std::string_view lines) { return complaint_of("wafer/core/x.hpp", header(lines)); };
    CHECK(macro("\n#define MAX(a, b) a\n") ==
          "wafer/core/x.hpp:5: the macro MAX leaks: begin its name with WAFER_, or #undef it");
    CHECK(macro("#if X\n  #  define NAMED\n#endif\n").starts_with("wafer/core/x.hpp:5: the macro NAMED leaks"));
    CHECK(macro("#define WAFERX 1\n").starts_with("wafer/core/x.hpp:4: the macro WAFERX leaks"));
    CHECK(macro("#define MAX(a, b) a\n#undef MAX\n").empty());
    CHECK(macro("#define WAFER_MAX(a, b) a\n").empty());
    CHECK(macro("#undef min\n") == "wafer/core/x.hpp:4: #undef min: the macro is somebody else's");
    // What is undefined elsewhere only is still defined here.
    CHECK(macro("#define MAX 1\n#if X\n#undef MAX\n#endif\n").starts_with("wafer/core/x.hpp:4: the macro MAX leaks"));
    CHECK(macro("#if X\n#define MAX 1\n#else\n#undef MAX\n#endif\n").starts_with("wafer/core/x.hpp:5: the macro MAX"));
    CHECK(macro("#if X\n#define MAX 1\n#elif Y\n#define MAX 2\n#endif\n#undef MAX\n").empty());
    CHECK(macro("#if X\n#define MAX 1\n#endif\n#if X  // again\n#undef MAX\n#endif\n").empty());
    CHECK(macro("#define WAFER_SINGLE_HEADER\n") ==
          "wafer/core/x.hpp:4: WAFER_SINGLE_HEADER is the single header's own guard");
}

TEST_CASE("amalgamate: comments and raw strings hold no directives, and stay as they are") {
    const std::string text = "/* Once:\n#pragma once\n#define MAX 1\n\n\n// SPDX-License-Identifier: MIT\n*/\n"
                             "namespace w {\nauto r = R\"x(\n#include <vector>\n)\"\n\n\n#pragma once\n#undef min\n"
                             "namespace y {\n)x\";\nauto n = 1'000; auto q = '\"'; auto s = \"R\\\"(/*\";  // \\\n"
                             "#define MIN 2\n}  // namespace\n/* and\n*/  #if 0\n#endif\n";
    files house = small_house();
    house["wafer/core/x.hpp"] = header(text);
    house["wafer/llm.hpp"] += "#include <wafer/core/x.hpp>\n";
    CHECK(amalgamate(house).find(text) != std::string::npos);
    for (const std::string before : {"/**/", "/* a */ ", "int a = 1'0'0;\n", "auto r = R\"(\n)\";\n", "// \\\n// '\n"})
        CHECK(complaint_of("wafer/core/x.hpp", header(before + "#define MAX")).find("MAX leaks") != std::string::npos);
}

TEST_CASE("amalgamate: a file without its head is refused") {
    const std::string spdx = "// SPDX-License-Identifier: MIT\n";
    const auto say = [](const std::string& name, const std::string& text) {
        return complaint_of(name, text + "#pragma once\n");
    };
    const std::string no_license = "wafer/core/x.hpp:1: the first line is not \"// SPDX-License-Identifier: MIT\"";
    CHECK(say("wafer/core/x.hpp", "// L0 core: x.\n") == no_license);
    CHECK(say("wafer/core/x.hpp", "// SPDX-License-Identifier: BSD\n// L0 core: x.\n") == no_license);
    CHECK(say("wafer/core/x.hpp", spdx) == "wafer/core/x.hpp:2: the second line does not begin with \"// L0 core:\"");
    CHECK(say("wafer/text/jinja/x.hpp", spdx + "// L2 text/jinja: x.\n") ==
          "wafer/text/jinja/x.hpp:2: the second line does not begin with \"// L1 text/jinja:\"");
    CHECK(say("wafer/text/jinja/x.hpp", spdx + "// L1 text/jinja: x.\n").empty());
    CHECK(say("wafer/gen/x.hpp", spdx + "// L8 gen: x.\n").empty());
    files house = small_house();
    house["wafer/simd/b.hpp"] += "namespace x {\n#include <wafer/simd/x.ipp>\n}  // namespace\n";
    house["wafer/simd/x.ipp"] = "int x;\n";
    CHECK(complaint(house).starts_with("wafer/simd/x.ipp:1: the first line"));
}

TEST_CASE("amalgamate: a file over the limit is refused, unless it says that it is generated") {
    const auto lines = [](std::size_t n) { return std::string(n, '\n'); };
    CHECK(complaint_of("wafer/core/x.hpp", header(lines(597))).empty());
    CHECK(complaint_of("wafer/core/x.hpp", header(lines(598))) == "wafer/core/x.hpp:601: longer than 600 lines");
    CHECK(complaint_of("wafer/core/x.hpp", header("// Generated by a script.\n" + lines(599))).empty());
    CHECK(complaint_of("wafer/core/x.hpp", header(lines(9) + "// Generated by a script.\n" + lines(599))) != "");
}

TEST_CASE("amalgamate: text that is not ASCII is refused") {
    CHECK(complaint_of("wafer/core/x.hpp", header("\n// caf\xc3\xa9\n")) ==
          "wafer/core/x.hpp:5: text that is not ASCII");
}

TEST_CASE("amalgamate: a header without #pragma once is refused, and a body with it") {
    CHECK(complaint_of("wafer/core/x.hpp", body("// L0 core: x.\n#ifndef WAFER_X\n#define WAFER_X\n#endif\n")) ==
          "wafer/core/x.hpp:1: no #pragma once");
    files house = small_house();
    house["wafer/simd/b.hpp"] += "namespace x {\n#include <wafer/simd/x.ipp>\n}  // namespace\n";
    house["wafer/simd/x.ipp"] = body("#pragma once\nint x;\n");
    CHECK(complaint(house) == "wafer/simd/x.ipp:1: a body with #pragma once");
    house["wafer/simd/x.ipp"] = body("#include <vector>\n");
    CHECK(complaint(house) == "wafer/simd/x.ipp:2: a body that includes");
}

TEST_CASE("amalgamate: an include that could not be placed is refused") {
    const auto say = [](std::string_view lines) { return complaint_of("wafer/core/x.hpp", header(lines)); };
    CHECK(say("#include \"a.hpp\"\n") == "wafer/core/x.hpp:4: an include that is not of the form <path>");
    CHECK(say("#include WAFER_FILE\n") == "wafer/core/x.hpp:4: an include that is not of the form <path>");
    CHECK(say("#include <wafer/core/none.hpp>\n") == "wafer/core/x.hpp:4: no file wafer/core/none.hpp");
    CHECK(say("namespace x {\n#include <vector>\n}  // namespace\n") ==
          "wafer/core/x.hpp:5: an include inside a namespace");
    CHECK(say("#include <wafer/core/b.ipp>\n") == "wafer/core/x.hpp:4: a body belongs in a namespace");
    CHECK(say("#define WAFER_X\n#include <wafer/core/a.hpp>\n") ==
          "wafer/core/x.hpp:5: an include below a #define: it would be placed above");
    CHECK(say("#if X\n\n") == "wafer/core/x.hpp:6: #if X without #endif");
    CHECK(say("#endif\n") == "wafer/core/x.hpp:4: #endif without #if");
}

TEST_CASE("amalgamate: a header that wafer/llm.hpp does not lead to is refused") {
    files house = small_house();
    house["wafer/core/lost.hpp"] = header("");
    CHECK(complaint(house) == "wafer/core/lost.hpp:1: wafer/llm.hpp does not lead here");
}

TEST_CASE("amalgamate: the house stands, and is the same at every call") {
    const std::string text = single_header::amalgamate(WAFER_EXAMPLES "/../include", "");
    CHECK(text == single_header::amalgamate(WAFER_EXAMPLES "/../include", ""));
    CHECK(count(text, "// ---- wafer/simd/detail/rows.ipp\n") >= 3);
    CHECK(count(text, "// ---- wafer/gen/session.hpp\n") == 1);
}
