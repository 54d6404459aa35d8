// Log lines to stderr, one write each: "2026-11-22T10:11:12.123Z INFO journal: ...". Any thread.
// Not for the data path: a line costs a system call. Use RateLimit where bytes from outside can
// cause a line.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/clock.h"

namespace ringlog {

enum class LogLevel : uint8_t { debug, info, warn, error, off };

/// Lines below `level` are dropped before they are formatted. Set once at start.
void set_log_level(LogLevel level);
[[nodiscard]] bool log_enabled(LogLevel level);

/// Writes one line; `component` is the folder or object that speaks.
void log_line(LogLevel level, std::string_view component, std::string_view text);

template <typename... Args>
void log_debug(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
    if (log_enabled(LogLevel::debug)) {
        log_line(LogLevel::debug, component, fmt::format(format, std::forward<Args>(args)...));
    }
}
template <typename... Args>
void log_info(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
    if (log_enabled(LogLevel::info)) {
        log_line(LogLevel::info, component, fmt::format(format, std::forward<Args>(args)...));
    }
}
template <typename... Args>
void log_warn(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
    if (log_enabled(LogLevel::warn)) {
        log_line(LogLevel::warn, component, fmt::format(format, std::forward<Args>(args)...));
    }
}
template <typename... Args>
void log_error(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
    if (log_enabled(LogLevel::error)) {
        log_line(LogLevel::error, component, fmt::format(format, std::forward<Args>(args)...));
    }
}

/// At most one line per interval for one cause. One object, one core.
class RateLimit {
public:
    explicit RateLimit(int64_t interval_ns) : interval_ns_(interval_ns) {}

    /// True if a line may be written at `now`; `suppressed()` then says how many were not since the
    /// last.
    bool allow(MonotonicNs now);
    [[nodiscard]] uint64_t suppressed() const { return reported_; }

private:
    int64_t interval_ns_;
    MonotonicNs next_ = INT64_MIN;
    uint64_t suppressed_ = 0;
    uint64_t reported_ = 0;
};

}  // namespace ringlog
