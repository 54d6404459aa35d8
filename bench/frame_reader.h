// Cuts a stream of bytes from a socket into Kafka frames (four bytes of length, then that many).
// One object per connection, used by the thread that owns the connection.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace ringlog::bench {

class FrameReader {
public:
    /// Frames above `frame_bytes_max` are refused as malformed. The buffer starts at `start_bytes`
    /// and grows to fit a frame.
    explicit FrameReader(size_t start_bytes = 4096, size_t frame_bytes_max = size_t{256} << 20)
        : buffer_(start_bytes), frame_bytes_max_(frame_bytes_max) {}

    /// One receive without waiting. True if bytes came, false if there were none.
    /// Errors: closed (the peer ended the stream), io_failed.
    Result<bool> receive(int fd);

    /// Adds bytes that came some other way.
    void append(ByteView bytes);

    /// The next whole frame without its length, valid until receive() or append(); nothing if it is
    /// not complete. Errors: malformed (a length that is negative or too large).
    Result<std::optional<ByteView>> next();

private:
    void make_room(size_t wanted);

    std::vector<std::byte> buffer_;
    size_t begin_ = 0;  ///< First unread byte.
    size_t end_ = 0;    ///< Behind the last byte received.
    size_t frame_bytes_max_;
};

}  // namespace ringlog::bench
