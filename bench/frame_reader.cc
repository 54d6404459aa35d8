#include "bench/frame_reader.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ringlog::bench {
namespace {

constexpr size_t kLengthBytes = sizeof(int32_t);

}  // namespace

void FrameReader::make_room(size_t wanted) {
    if (begin_ == end_) {
        begin_ = end_ = 0;
    }
    if (buffer_.size() - end_ >= wanted) {
        return;
    }
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (buffer_.size() - end_ < wanted) {
        buffer_.resize(std::max(end_ + wanted, buffer_.size() * 2));
    }
}

Result<bool> FrameReader::receive(int fd) {
    size_t wanted = 1;
    if (end_ - begin_ >= kLengthBytes) {
        const auto length = load_be<int32_t>(buffer_.data() + begin_);
        if (length > 0 && static_cast<size_t>(length) <= frame_bytes_max_) {
            const size_t whole = kLengthBytes + static_cast<size_t>(length);
            wanted = whole > end_ - begin_ ? whole - (end_ - begin_) : 1;
        }
    }
    make_room(wanted);
    const ssize_t got = ::recv(fd, buffer_.data() + end_, buffer_.size() - end_, MSG_DONTWAIT);
    if (got > 0) {
        end_ += static_cast<size_t>(got);
        return true;
    }
    if (got == 0) {
        return fail(Errc::closed);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        return false;
    }
    return fail(Errc::io_failed, errno);
}

void FrameReader::append(ByteView bytes) {
    make_room(bytes.size());
    std::copy(bytes.begin(), bytes.end(), buffer_.begin() + static_cast<ptrdiff_t>(end_));
    end_ += bytes.size();
}

Result<std::optional<ByteView>> FrameReader::next() {
    if (end_ - begin_ < kLengthBytes) {
        return std::nullopt;
    }
    const auto length = load_be<int32_t>(buffer_.data() + begin_);
    if (length < 0 || static_cast<size_t>(length) > frame_bytes_max_) {
        return fail(Errc::malformed, 0, length);
    }
    const size_t whole = kLengthBytes + static_cast<size_t>(length);
    if (end_ - begin_ < whole) {
        return std::nullopt;
    }
    const ByteView frame = ByteView(buffer_).subspan(begin_ + kLengthBytes, whole - kLengthBytes);
    begin_ += whole;
    return frame;
}

}  // namespace ringlog::bench
