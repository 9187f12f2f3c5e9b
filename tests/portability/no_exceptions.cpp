// SPDX-License-Identifier: MIT
// A program without exceptions and RTTI: g++ -fno-exceptions -fno-rtti -DWAFER_ERROR_HANDLER=refused no_exceptions.cpp
//   no_exceptions tiny_reasoner.gguf
// Asks the model, then loads this program as if it were one. Exit status 0: it answered, and the handler got the error.
#include <cstdlib>
#include <iostream>

#include <wafer/llm.hpp>

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "compile this with -fno-exceptions -fno-rtti"
#endif
static_assert(!WAFER_EXCEPTIONS);

void refused(const wafer::error& e) {
    std::cerr << e.what() << '\n';
    std::exit(e.code() == wafer::errc::bad_magic ? 0 : 1);
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const auto model = wafer::load(argv[1]);
    wafer::session_options how;
    how.how.temperature = 0;
    wafer::session chat{model, how};
    if (chat.ask("What is 17 + 25?").text().find("42") == std::string::npos) return 3;
    static_cast<void>(wafer::load(argv[0]));
    return 4;
}
