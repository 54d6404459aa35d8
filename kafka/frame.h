// What the first unread bytes of a Kafka connection are. A pure function; any core. Explained in
// docs/protocol.md, "Frames".
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace ringlog::kafka {

inline constexpr size_t kFrameSizeBytes = 4;                    ///< The size that precedes a frame.
inline constexpr uint32_t kFrameBytesMaxDefault = 104'857'600;  ///< socket.request.max.bytes.
inline constexpr uint32_t kFrameBytesMaxUnauthenticated = 65'536;

/// What to do with the bytes at hand.
enum class FrameKind : uint8_t {
    incomplete,       ///< Too few bytes to say anything: receive more.
    frame,            ///< A frame begins here; `total_bytes` may reach beyond the bytes at hand.
    negative_length,  ///< From here on: close the connection and log `frame_problem`.
    over_limit,
    http,
    tls,
};

/// The verdict of `inspect_frame`.
struct Frame {
    FrameKind kind = FrameKind::incomplete;
    size_t total_bytes = 0;  ///< Of a frame: its size field and its content. Else 0.
    int32_t declared = 0;    ///< The size field as it stands, where there is one.

    [[nodiscard]] bool refused() const { return kind > FrameKind::frame; }
    friend bool operator==(const Frame&, const Frame&) = default;
};

/// Looks at the first unread bytes of a connection. `limit_bytes` bounds the content of a frame. A
/// size field that spells an HTTP verb or begins like a TLS hello is told apart only where it is
/// not an acceptable size.
Frame inspect_frame(ByteView unread, uint32_t limit_bytes);

/// Why the connection is closed, as one log line for people ("a TLS client spoke to a plaintext
/// listener"). Empty for what is not refused.
std::string_view frame_problem(FrameKind kind);

}  // namespace ringlog::kafka
