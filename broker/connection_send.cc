// Answers leave in the order of the requests, as many as are ready in one vectored send. See
// broker/connection.h.
#include <algorithm>

#include "broker/broker.h"
#include "broker/connection.h"
#include "broker/core.h"

namespace ringlog::broker {

namespace {

/// Parts of one send; a request that has more sends the rest next.
constexpr size_t kPartsMax = 512;
/// An answer that pins the window for so long is copied before its next piece.
constexpr int64_t kPinnedNs = 200 * kMillisecondNs;

void add_part(std::vector<iovec>& parts, ByteView bytes) {
    if (!bytes.empty()) {
        parts.push_back(
            {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()});
    }
}

/// Replaces the bytes of the window that `parts` refers to by copies in `copy`.
void copy_parts(std::span<iovec> parts, std::vector<std::byte>& copy) {
    size_t bytes = 0;
    for (const iovec& part : parts) {
        bytes += part.iov_len;
    }
    copy.reserve(bytes);
    for (iovec& part : parts) {
        const auto* from = static_cast<const std::byte*>(part.iov_base);
        const size_t at = copy.size();
        copy.insert(copy.end(), from, from + part.iov_len);
        part.iov_base = copy.data() + at;
    }
}

}  // namespace

void Connection::append_parts(Request& request) {
    const ByteView bytes = request.answer.bytes();
    size_t at = 0;
    size_t index = 0;
    for (const kafka::Splice& gap : request.answer.splices()) {
        add_part(parts_, bytes.subspan(at, gap.position - at));
        at = gap.position;
        const engine::ReadData& data = request.data[index++];
        add_part(parts_, data.owned);
        for (const engine::Slice& slice : data.slices) {
            add_part(parts_, slice.bytes());
        }
    }
    add_part(parts_, bytes.subspan(at));
}

size_t Connection::gather() {
    parts_.clear();
    size_t count = 0;
    for (Request* at = requests_.front(); at != nullptr && at->state == RequestState::answered;
         at = requests_.next(*at)) {
        if (at->close_after && count > 0) {
            break;
        }
        if (!at->silent) {
            append_parts(*at);
        }
        ++count;
        if (at->close_after || parts_.size() >= kPartsMax) {
            break;
        }
    }
    return count;
}

io::Task<bool> Connection::send_parts(size_t requests) {
    std::span<iovec> rest(parts_);
    std::vector<std::byte> copy;
    const MonotonicNs begun = core_.reactor().now();
    while (!rest.empty() && !closing_) {
        size_t count = 0;
        uint64_t bytes = 0;
        while (count < rest.size() && count < kPartsMax && bytes < kSendBytes) {
            bytes += rest[count++].iov_len;
        }
        // A part that is too long is sent in two.
        iovec tail{};
        if (bytes > kSendBytes) {
            iovec& last = rest[count - 1];
            const size_t over = bytes - kSendBytes;
            last.iov_len -= over;
            tail = {.iov_base = static_cast<std::byte*>(last.iov_base) + last.iov_len,
                    .iov_len = over};
        }
        send_started_ = core_.reactor().now();
        auto sent = co_await socket_->send(rest.first(count));
        send_started_ = 0;
        if (!sent) {
            co_return false;
        }
        if (tail.iov_len > 0) {
            --count;
            rest[count] = tail;
        }
        core_.metrics().add(Counter::response_bytes, std::min(bytes, kSendBytes));
        rest = rest.subspan(count);
        if (!rest.empty() && copy.empty() && core_.reactor().now() - begun > kPinnedNs) {
            copy_parts(rest, copy);
            Request* at = requests_.front();
            for (size_t i = 0; i < requests; ++i, at = requests_.next(*at)) {
                at->data.clear();
            }
        }
    }
    co_return !closing_;
}

void Connection::leave(Request& request) {
    --request_count_;
    request_bytes_ -= request.size;
    if (request.parts_pending > 0) {
        request.connection = nullptr;  // its last part recycles it
        request.data.clear();
    } else {
        core_.recycle(request);
    }
}

void Connection::finish_sent(size_t count) {
    bool close_now = false;
    for (; count > 0; --count) {
        Request& request = *requests_.pop_front();
        close_now = close_now || request.close_after;
        if (request.header_status != kafka::HeaderStatus::ok ||
            request.header.api_key != kafka::ApiKey::produce) {
            barrier_ = false;
        }
        leave(request);
    }
    last_active_ = core_.reactor().now();
    if (close_now) {
        abort();
        return;
    }
    if (room_.has_waiters()) {
        room_.notify_all();
    }
    pump();
}

io::Task<void> Connection::send_loop() {
    while (!closing_ && !moving_) {
        const size_t count = gather();
        if (count == 0) {
            if (draining_ && requests_.empty()) {
                break;
            }
            co_await work_.wait();
            continue;
        }
        if (!parts_.empty()) {
            const bool sent = co_await send_parts(count);
            if (!sent) {
                break;
            }
        }
        finish_sent(count);
    }
}

}  // namespace ringlog::broker
