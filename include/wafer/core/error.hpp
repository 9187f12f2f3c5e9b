// SPDX-License-Identifier: MIT
// L0 core: the one error type. Whatever input does, the library answers with wafer::error: no abort, no exit, no output.
#pragma once

#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/enum_name.hpp>
#include <wafer/core/printable.hpp>

namespace wafer::inline WAFER_ABI {

/// What went wrong, one cause each. The message of the error says where, and what to do about it.
/// After `using namespace std; using namespace wafer;` the bare name is ambiguous with std::errc: write wafer::errc.
enum class errc : std::uint8_t {
    file_not_found,            // no such path: check the spelling
    permission_denied,         // the path may not be read
    not_a_file,                // a directory or a device was given
    io_failed,                 // the system refused a read or a mapping
    bad_magic,                 // not a file of the expected format
    unsupported_version,       // a version of the format that this release cannot read
    truncated,                 // the file ends before what it announces
    corrupt,                   // a count, offset, string or alignment contradicts the format
    duplicate_name,            // two keys or tensors share a name
    missing_key,               // metadata that the architecture needs is absent
    missing_tensor,            // a weight that the architecture needs is absent
    wrong_type,                // a key or tensor has another type than the architecture needs
    wrong_shape,               // a tensor's shape contradicts the metadata
    unsupported_dtype,         // a block format that this release cannot read
    unsupported_architecture,  // the message lists the known ones
    unsupported_tokenizer,     // the message lists the known ones
    bad_vocabulary,            // tokens, merges and ids contradict one another or the model
    bad_utf8,                  // text that is not UTF-8
    bad_json,                  // malformed JSON, with its position
    bad_template,              // a chat template that cannot be parsed, with line and column
    template_failed,           // a chat template that raised an error of its own or exceeded its bounds
    bad_grammar,               // a grammar or JSON schema that cannot be used, with its place and the reason
    grammar_failed,      // a grammar that the vocabulary cannot spell, or that exceeds its bounds while it is followed
    invalid_argument,    // a caller's value is outside its documented range
    context_full,        // a prompt longer than the session's context
    out_of_memory,       // the system cannot give the memory; the message says how much
    does_not_fit,        // the modelled memory cannot hold the model; the message says what would
    cancelled,           // a callback asked to stop while loading
    stale_session,       // the model's weights were swapped after this session began
    target_unavailable,  // WAFER_TARGET names kernels that this CPU or build does not have
    wrong_model,         // a saved session that belongs to another model, or a swap to another vocabulary
    unsupported_key,     // a key asks for something that this release does not do for the architecture
    unused_tensor,  // tensors that the architecture does not use, so that answers would be wrong: see unused_tensors
    not_finite,     // logits that are no numbers: weights are damaged (NaN or infinity), or far out of range
    wrong_process,  // made before fork() and used in the child: load again there
};

/// The enumerator's name, for logs and tests; "unknown" for a number that is none.
[[nodiscard]] constexpr std::string_view to_string(errc code) noexcept {
    constexpr std::string_view names[] = {
        "file_not_found",        "permission_denied", "not_a_file",     "io_failed",         "bad_magic",
        "unsupported_version",   "truncated",         "corrupt",        "duplicate_name",    "missing_key",
        "missing_tensor",        "wrong_type",        "wrong_shape",    "unsupported_dtype", "unsupported_architecture",
        "unsupported_tokenizer", "bad_vocabulary",    "bad_utf8",       "bad_json",          "bad_template",
        "template_failed",       "bad_grammar",       "grammar_failed", "invalid_argument",  "context_full",
        "out_of_memory",         "does_not_fit",      "cancelled",      "stale_session",     "target_unavailable",
        "wrong_model",           "unsupported_key",   "unused_tensor",  "not_finite",        "wrong_process"};
    return detail::name_in(names, code);
}

/// Where an error was met; empty parts are unknown.
struct error_where {
    std::string file;                     // path as the caller gave it
    std::optional<std::uint64_t> offset;  // bytes from the start of that file
    std::string tensor;                   // tensor or metadata key, made printable
};

/// The only exception that the library throws on purpose. what() is one line of UTF-8 without
/// control characters, whatever a file put into it: the place in the file, as compilers tell it, then the message.
///     m.gguf at byte 900: the file has 1000 bytes and ends before the tensor does [output.weight]
/// Where exceptions are off (WAFER_EXCEPTIONS is 0) WAFER_ERROR_HANDLER gets it instead.
class error : public std::exception {
public:
    /// `message` is cut at 4096 bytes and made printable; an empty `where` adds nothing to it.
    error(errc code, std::string_view message, error_where where = {}) : code_(code), where_(std::move(where)) {
        where_.tensor = printable(where_.tensor);
        const std::string at = where_.offset ? " at byte " + std::to_string(*where_.offset) : std::string();
        if (!where_.file.empty()) text_ = printable(where_.file, longest_message) + at + ": ";
        text_ += printable(message, longest_message);
        if (!where_.tensor.empty()) text_ += " [" + where_.tensor + "]";
        if (where_.file.empty()) text_ += at;
    }
    /// The cause, for programs.
    [[nodiscard]] errc code() const noexcept { return code_; }
    /// Where it was met; its tensor is made printable.
    [[nodiscard]] const error_where& where() const noexcept { return where_; }
    /// The whole line, for people. Valid as long as the error.
    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

private:
    static constexpr std::size_t longest_message = 4096;  // names from files are part of many

    errc code_;
    error_where where_;
    std::string text_;
};

}  // namespace wafer::inline WAFER_ABI

#if !WAFER_EXCEPTIONS && defined(WAFER_ERROR_HANDLER)
/// The program's own: it must not return, nor may it throw past the library.
[[noreturn]] void WAFER_ERROR_HANDLER(const wafer::error&);
#endif

namespace wafer::inline WAFER_ABI {

/// Every error leaves through here: thrown, or, where exceptions are off, handed to WAFER_ERROR_HANDLER; without one the
/// program ends with std::terminate.
[[noreturn]] inline void raise([[maybe_unused]] errc code, [[maybe_unused]] std::string_view message,
                               [[maybe_unused]] error_where where = {}) {
#if WAFER_EXCEPTIONS
    throw error(code, message, std::move(where));
#elif defined(WAFER_ERROR_HANDLER)
    ::WAFER_ERROR_HANDLER(error(code, message, std::move(where)));
#else
    std::terminate();
#endif
}

/// Runs work(); what it threw, or null. Where exceptions are off an error does not come back, and this is always null.
template <class Work>
[[nodiscard]] std::exception_ptr exception_of(Work&& work) {
#if WAFER_EXCEPTIONS
    try {
        work();
    } catch (...) {
        return std::current_exception();
    }
#else
    work();
#endif
    return nullptr;
}

/// Runs work() and gives what it gives. Memory that the system refuses meanwhile is errc::out_of_memory.
template <class Work>
decltype(auto) or_out_of_memory(Work&& work) {
#if WAFER_EXCEPTIONS
    try {
        return work();
    } catch (const std::bad_alloc&) {
        raise(errc::out_of_memory, "out of memory");
    } catch (const std::length_error&) {
        raise(errc::out_of_memory, "out of memory");
    }
#else
    return work();
#endif
}

/// Runs work(); the error that it raised, if it did. Other exceptions pass.
template <class Work>
[[nodiscard]] std::optional<error> error_of(Work&& work) {
#if WAFER_EXCEPTIONS
    try {
        work();
    } catch (const error& e) {
        return or_out_of_memory([&] { return std::optional<error>(e); });  // a copy may want more than there is
    }
#else
    work();
#endif
    return std::nullopt;
}

/// The same where an error is an answer to what was tried: memory that cannot be had is none, and passes, too.
template <class Work>
[[nodiscard]] std::optional<error> refusal_of(Work&& work) {
    auto refusal = error_of(work);
    if (refusal && refusal->code() == errc::out_of_memory) raise(errc::out_of_memory, refusal->what());
    return refusal;
}

}  // namespace wafer::inline WAFER_ABI
