// RL_ASSERT: a programmer's error ends the process, in production too. Bytes from a peer or a disk
// never reach one.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace ringlog {

/// Prints the condition, its place and its operands to stderr, then aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line,
                                   const std::string& operands);

}  // namespace ringlog

/// RL_ASSERT(a == b) or RL_ASSERT(a == b, "a={} b={}", a, b).
#define RL_ASSERT(condition, ...)                                                               \
    do {                                                                                        \
        if (!(condition)) [[unlikely]] {                                                        \
            ::ringlog::assertion_failed(#condition, __FILE__, __LINE__,                         \
                                        ::std::string{__VA_OPT__(::fmt::format(__VA_ARGS__))}); \
        }                                                                                       \
    } while (false)
