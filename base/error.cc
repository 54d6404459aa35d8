// Names of errors, for logs, metrics and messages. Explained in docs/architecture.md, "Errors".
#include "base/error.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

namespace ringlog {

namespace {

constexpr std::array<std::string_view, 31> kNames = {
    "none",
    "io_failed",
    "short_write",
    "short_read",
    "no_space",
    "corrupt_batch",
    "invalid_record",
    "message_too_large",
    "offset_out_of_range",
    "not_leader",
    "unknown_partition",
    "out_of_order_sequence",
    "invalid_producer_epoch",
    "unknown_producer",
    "corrupt_file",
    "version_unknown",
    "read_only",
    "cancelled",
    "timed_out",
    "closed",
    "exists",
    "not_found",
    "locked",
    "invalid_argument",
    "unsupported",
    "malformed",
    "conflict",
    "duplicate_sequence",
    "unsupported_format",
    "invalid_timestamp",
    "limit_exceeded",
};
static_assert(kNames.size() == static_cast<size_t>(Errc::limit_exceeded) + 1);

}  // namespace

std::string_view errc_name(Errc code) {
    const auto index = static_cast<size_t>(code);
    return index < kNames.size() ? kNames[index] : std::string_view("unknown");
}

std::string describe(const Error& error) {
    std::string text(errc_name(error.code));
    if (error.os_errno != 0) {
        // Both are null for a number that the C library does not know.
        const char* name = strerrorname_np(error.os_errno);
        const char* words = strerrordesc_np(error.os_errno);
        text += fmt::format(": {} ({}, {})", words != nullptr ? words : "unknown error",
                            name != nullptr ? name : "?", error.os_errno);
    }
    if (error.at >= 0) {
        text += fmt::format(" at {}", error.at);
    }
    return text;
}

}  // namespace ringlog
