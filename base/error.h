// Errors as values. Every fallible call of Ringlog returns Result<T>; nothing on the data path
// throws. Runs on any core. Explained in docs/architecture.md, "Errors".
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <type_traits>

namespace ringlog {

/// Why an operation failed. Logged and counted: append new values, never renumber.
enum class Errc : uint8_t {
    io_failed = 1,      ///< The kernel or the device refused; `os_errno` says how.
    short_write = 2,    ///< Fewer bytes were written than asked for, and the rest could not follow.
    short_read = 3,     ///< The file ended before the bytes that were asked for.
    no_space = 4,       ///< No room: a full disk, a full journal, or a byte budget.
    corrupt_batch = 5,  ///< A record batch whose CRC or header does not hold.
    invalid_record = 6,     ///< A record batch that is well formed and not allowed.
    message_too_large = 7,  ///< A record batch over `max.message.bytes`.
    offset_out_of_range = 8,
    not_leader = 9,
    unknown_partition = 10,
    out_of_order_sequence = 11,
    invalid_producer_epoch = 12,
    unknown_producer = 13,
    corrupt_file = 14,     ///< A file of ours whose checksum or structure does not hold.
    version_unknown = 15,  ///< A file of ours written by a newer format.
    read_only = 16,        ///< The partition or the journal takes no writes until it is repaired.
    cancelled = 17,        ///< The waiter gave up; the operation may still happen.
    timed_out = 18,
    closed = 19,  ///< The object is closing or closed.
    exists = 20,
    not_found = 21,
    locked = 22,  ///< Another process holds it.
    invalid_argument = 23,
    unsupported = 24,
    malformed = 25,  ///< Bytes from outside that break their format.
    conflict = 26,   ///< A conditional write whose condition no longer held.
    duplicate_sequence = 27,
    unsupported_format = 28,  ///< A record batch of an older magic than 2.
    invalid_timestamp = 29,
    limit_exceeded = 30,  ///< A finite limit of ours was reached: connections, producers.
};

/// The stable name of `code`, as logs and metrics print it.
std::string_view errc_name(Errc code);

/// One failure, small enough to return in registers.
struct [[nodiscard]] Error {
    Errc code;
    int32_t os_errno = 0;  ///< Positive errno where the kernel said it, else 0.
    int64_t at = -1;       ///< Offset or position, as `code` implies; -1 if unknown.

    friend bool operator==(const Error&, const Error&) = default;
};
static_assert(std::is_trivially_copyable_v<Error> && sizeof(Error) == 16);

/// "io_failed: Input/output error (EIO, 5) at 4096".
std::string describe(const Error& error);

template <typename T>
using Result = std::expected<T, Error>;

/// `return fail(Errc::no_space);` from any function that returns a Result.
constexpr std::unexpected<Error> fail(Errc code, int32_t os_errno = 0, int64_t at = -1) {
    return std::unexpected(Error{.code = code, .os_errno = os_errno, .at = at});
}

/// `return fail(result.error());`
constexpr std::unexpected<Error> fail(Error error) {
    return std::unexpected(error);
}

}  // namespace ringlog
