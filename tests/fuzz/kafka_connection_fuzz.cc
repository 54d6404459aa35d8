// Fuzzes what a connection does with the bytes it received: frames, request headers, response
// headers. A frame never reaches beyond its limit, a header is never read beyond its frame, and
// nothing allocates.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/assert.h"
#include "kafka/frame.h"
#include "kafka/message.h"
#include "tests/support/allocation_count.h"

namespace ringlog::kafka {
namespace {

void check_frames(ByteView unread) {
    while (true) {
        const Frame frame = inspect_frame(unread, kFrameBytesMaxUnauthenticated);
        RL_ASSERT(frame.refused() == !frame_problem(frame.kind).empty());
        if (frame.kind != FrameKind::frame) {
            return;
        }
        RL_ASSERT(frame.total_bytes >= kFrameSizeBytes);
        RL_ASSERT(frame.total_bytes <= kFrameSizeBytes + kFrameBytesMaxUnauthenticated);
        if (frame.total_bytes > unread.size()) {
            return;
        }
        Reader reader(unread.subspan(kFrameSizeBytes, frame.total_bytes - kFrameSizeBytes));
        RequestHeader header;
        if (read_request_header(reader, header) == HeaderStatus::ok) {
            RL_ASSERT(find_api(header.api_key)->has_codec(header.api_version));
            RL_ASSERT(reader.wire() == find_api(header.api_key)->wire(header.api_version));
        }
        RL_ASSERT(reader.position() <= frame.total_bytes);
        unread = unread.subspan(frame.total_bytes);
    }
}

void check_request_header(ByteView bytes) {
    Reader reader(bytes);
    RequestHeader header;
    if (read_request_header(reader, header) != HeaderStatus::ok) {
        return;
    }
    Writer writer;
    write_request_header(writer, header);
    Reader again(writer.bytes());
    RequestHeader read;
    RL_ASSERT(read_request_header(again, read) == HeaderStatus::ok);
    RL_ASSERT(read == header && again.remaining() == 0);
}

}  // namespace
}  // namespace ringlog::kafka

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ringlog::ByteView bytes = std::as_bytes(std::span(data, size));
    const size_t before = ringlog::test::allocated_bytes();
    ringlog::kafka::check_frames(bytes);
    RL_ASSERT(ringlog::test::allocated_bytes() == before, "looking at frames allocated");
    ringlog::kafka::check_request_header(bytes);
    return 0;
}
