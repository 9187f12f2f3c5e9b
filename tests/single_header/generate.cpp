// SPDX-License-Identifier: MIT
// Writes the single header:
//   generate INCLUDE LICENSE OUTPUT [FORWARD]
// The file OUTPUT is made of INCLUDE/wafer; LICENSE is quoted at its top. Below FORWARD, if given, every other header
// of the tree becomes an include of it: so the tests that include the tree's headers are tests of the single header too.
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>

#include "amalgamate.hpp"

namespace {

void save(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::absolute(path).parent_path());
    std::ofstream out(path, std::ios::binary);
    if (!out.write(text.data(), static_cast<std::streamsize>(text.size())).flush())
        throw std::runtime_error(path.string() + ": cannot be written");
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 4 && argc != 5) {
        std::cerr << "usage: generate INCLUDE LICENSE OUTPUT [FORWARD]\n";
        return 2;
    }
    const std::filesystem::path include = argv[1], output = argv[3];
    save(output, single_header::amalgamate(include, single_header::read_file(argv[2])));
    if (argc == 5) {
        for (const auto& name : single_header::tree(include).names())
            if (name != single_header::root && name.ends_with(".hpp"))
                save(std::filesystem::path(argv[4]) / name, "#pragma once\n#include <wafer/llm.hpp>\n");
    }
} catch (const std::exception& e) {
    std::cerr << "generate: " << e.what() << '\n';
    return 1;
}
