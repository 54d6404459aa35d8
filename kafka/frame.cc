#include "kafka/frame.h"

#include <algorithm>
#include <array>

namespace ringlog::kafka {
namespace {

/// The first four bytes of HTTP requests, and of the preface of HTTP/2 ("PRI ").
constexpr auto kHttpVerbs = std::to_array<std::string_view>(
    {"GET ", "HEAD", "POST", "PUT ", "DELE", "OPTI", "PATC", "CONN", "TRAC", "PRI "});
constexpr std::byte kTlsHandshake{22};
constexpr std::byte kTlsMajor{3};

bool looks_like_http(ByteView unread) {
    return std::ranges::find(kHttpVerbs, as_text(unread.first(kFrameSizeBytes))) !=
           kHttpVerbs.end();
}

/// A record of type handshake, version 3.x.
bool looks_like_tls(ByteView unread) {
    return unread[0] == kTlsHandshake && unread[1] == kTlsMajor;
}

}  // namespace

Frame inspect_frame(ByteView unread, uint32_t limit_bytes) {
    if (unread.size() < kFrameSizeBytes) {
        return {};
    }
    const auto declared = load_be<int32_t>(unread.data());
    if (declared >= 0 && static_cast<uint32_t>(declared) <= limit_bytes) {
        return {.kind = FrameKind::frame,
                .total_bytes = kFrameSizeBytes + static_cast<size_t>(declared),
                .declared = declared};
    }
    Frame refused{.kind = FrameKind::over_limit, .declared = declared};
    if (looks_like_http(unread)) {
        refused.kind = FrameKind::http;
    } else if (looks_like_tls(unread)) {
        refused.kind = FrameKind::tls;
    } else if (declared < 0) {
        refused.kind = FrameKind::negative_length;
    }
    return refused;
}

std::string_view frame_problem(FrameKind kind) {
    switch (kind) {
        case FrameKind::incomplete:
        case FrameKind::frame: return "";
        case FrameKind::negative_length: return "a frame with a negative size: not a Kafka client";
        case FrameKind::over_limit:
            return "a frame larger than this connection may send (socket.request.max.bytes, less "
                   "before "
                   "authentication)";
        case FrameKind::http:
            return "an HTTP request on a Kafka listener: the admin page has a port of its own";
        case FrameKind::tls:
            return "a TLS client on a plaintext listener: security.protocol does not match";
    }
    return "";
}

}  // namespace ringlog::kafka
