#include "bench/producer_connection.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace ringlog::bench {
namespace {

constexpr size_t kRequestsPerWrite = 32;

MonotonicNs now_ns() {
    return SystemClock().monotonic_ns();
}

}  // namespace

/// The pieces of one vectored write.
class ProducerConnection::Gather {
public:
    void add(ByteView bytes, size_t& skip) {
        const size_t skipped = std::min(skip, bytes.size());
        skip -= skipped;
        bytes = bytes.subspan(skipped);
        if (!bytes.empty()) {
            pieces_[count_++] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
            total_ += bytes.size();
        }
    }
    [[nodiscard]] size_t total() const { return total_; }
    ssize_t send(int fd) {
        msghdr message{};
        message.msg_iov = pieces_.data();
        message.msg_iovlen = count_;
        return ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }

private:
    std::array<iovec, 2 * kRequestsPerWrite> pieces_{};
    size_t count_ = 0;
    size_t total_ = 0;
};

ProducerConnection::ProducerConnection(Fd fd, const ProduceContent& content,
                                       std::vector<int32_t> partitions)
    : fd_(std::move(fd)), content_(content), partitions_(std::move(partitions)) {
    const size_t each =
        content.header.bytes() + (content.stamped ? content.batches[0].bytes.size() : 0);
    scratch_.resize(each * kRequestsPerWrite);
}

void ProducerConnection::queue(MonotonicNs intended_ns) {
    requests_.push_back({.intended_ns = intended_ns, .partition = partitions_[next_partition_]});
    next_partition_ = next_partition_ + 1 == partitions_.size() ? 0 : next_partition_ + 1;
}

void ProducerConnection::gather(Gather& gather, MonotonicNs now) {
    const uint64_t end = first_open_ + requests_.size();
    size_t skip = written_bytes_;
    std::byte* scratch = scratch_.data();
    for (uint64_t each = next_written_; each < end && each < next_written_ + kRequestsPerWrite;
         ++each) {
        Request& request = requests_[each - first_open_];
        if (request.sent_ns == 0) {
            request.sent_ns = now;
        }
        content_.header.write(scratch, static_cast<int32_t>(each & INT32_MAX), request.partition);
        gather.add({scratch, content_.header.bytes()}, skip);
        scratch += content_.header.bytes();
        const Batch& batch = content_.batches[each % content_.batches.size()];
        if (content_.stamped) {
            const Bytes copy(scratch, batch.bytes.size());
            std::memcpy(copy.data(), batch.bytes.data(), copy.size());
            stamp_batch(copy, batch.value_position, request.intended_ns);
            gather.add(copy, skip);
            scratch += copy.size();
        } else {
            gather.add(batch.bytes, skip);
        }
    }
}

void ProducerConnection::written(size_t bytes, const OnAnswer& on_answer) {
    written_bytes_ += bytes;
    const size_t whole = content_.header.request_bytes();
    while (written_bytes_ >= whole) {
        written_bytes_ -= whole;
        ++next_written_;
        if (content_.acks == 0) {
            const Request request = requests_.front();
            requests_.pop_front();
            ++first_open_;
            on_answer(*this, request, {.partition = request.partition});
        }
    }
}

Result<bool> ProducerConnection::flush(const OnAnswer& on_answer) {
    while (next_written_ < first_open_ + requests_.size()) {
        Gather pieces;
        gather(pieces, now_ns());
        const ssize_t sent = pieces.send(fd_.get());
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return false;
        }
        if (sent < 0) {
            return fail(errno == EPIPE || errno == ECONNRESET ? Errc::closed : Errc::io_failed,
                        errno);
        }
        const auto bytes = static_cast<size_t>(sent);
        written(bytes, on_answer);
        if (bytes < pieces.total()) {
            return false;
        }
    }
    return true;
}

Result<void> ProducerConnection::answered(ByteView frame, const OnAnswer& on_answer) {
    const auto answer = parse_produce_answer(frame);
    if (!answer) {
        return fail(answer.error());
    }
    if (first_open_ >= next_written_ ||
        answer->correlation_id != static_cast<int32_t>(first_open_ & INT32_MAX) ||
        answer->partition != requests_.front().partition) {
        return fail(Errc::malformed, 0, answer->correlation_id);
    }
    const Request request = requests_.front();
    requests_.pop_front();
    ++first_open_;
    on_answer(*this, request, *answer);
    return {};
}

Result<void> ProducerConnection::receive(const OnAnswer& on_answer) {
    const auto came = reader_.receive(fd_.get());
    if (!came) {
        return fail(came.error());
    }
    while (true) {
        const auto frame = reader_.next();
        if (!frame) {
            return fail(frame.error());
        }
        if (!frame->has_value()) {
            return {};
        }
        if (auto result = answered(**frame, on_answer); !result) {
            return result;
        }
    }
}

}  // namespace ringlog::bench
