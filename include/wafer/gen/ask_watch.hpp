// SPDX-License-Identifier: MIT
// L8 gen: passes on to a sequence what may end a question's answer before its time.
#pragma once

#include <optional>
#include <stop_token>

#include <wafer/core/config.hpp>
#include <wafer/core/stop_signal.hpp>
#include <wafer/gen/session_options.hpp>

namespace wafer::inline WAFER_ABI {

/// Watches one question at a time. The sequence must outlive it.
template <class Sequence>
class ask_watch {
public:
    explicit ask_watch(Sequence& tokens) noexcept : tokens_(&tokens) {}

    /// From here on a stop is about the question that is about to be asked.
    void begin(const ask_options& how) {
        end();
        tokens_->clear_stop();
        tokens_->set_deadline(how.deadline);
        if (how.stop.stop_possible()) on_stop_.emplace(how.stop, request{tokens_});
    }
    /// Its token and its deadline count no more; that it was stopped stays known.
    void end() noexcept {
        on_stop_.reset();
        tokens_->set_deadline({});
    }

    /// For whoever works on the way to the answer.
    [[nodiscard]] const stop_signal& signal() const noexcept { return tokens_->stopping(); }
    [[nodiscard]] bool stopped() const noexcept { return signal().requested(); }
    /// How an answer that is stopped now has ended.
    [[nodiscard]] finish reason() const noexcept {
        return stopped() && !signal().asked() ? finish::deadline : finish::stopped;
    }

private:
    struct request {
        Sequence* tokens;
        void operator()() const noexcept { tokens->request_stop(); }
    };

    Sequence* tokens_;
    std::optional<std::stop_callback<request>> on_stop_;
};

}  // namespace wafer::inline WAFER_ABI
