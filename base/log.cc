// Log lines to stderr. See base/log.h.
#include "base/log.h"

#include <fmt/chrono.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>

namespace ringlog {

namespace {

// Written once at start, read by every thread: relaxed is enough, a line more or less at the change
// does no harm.
std::atomic<LogLevel> log_level{LogLevel::info};

constexpr std::array<std::string_view, 4> kLevelNames = {"DEBUG", "INFO", "WARN", "ERROR"};

}  // namespace

void set_log_level(LogLevel level) {
    log_level.store(level, std::memory_order_relaxed);
}

bool log_enabled(LogLevel level) {
    return level >= log_level.load(std::memory_order_relaxed) && level != LogLevel::off;
}

void log_line(LogLevel level, std::string_view component, std::string_view text) {
    const WallMs now = SystemClock{}.wall_ms();
    const auto seconds = std::chrono::sys_seconds(std::chrono::seconds(now / 1000));
    const std::string line =
        fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z {} {}: {}\n", seconds, now % 1000,
                    kLevelNames[static_cast<size_t>(level)], component, text);
    // A log that cannot be written has nobody to tell.
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

bool RateLimit::allow(MonotonicNs now) {
    if (now < next_) {
        ++suppressed_;
        return false;
    }
    next_ = now + interval_ns_;
    reported_ = suppressed_;
    suppressed_ = 0;
    return true;
}

}  // namespace ringlog
