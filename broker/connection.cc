// Bytes to requests, and which of them may start. Sending is in connection_send.cc. See
// broker/connection.h.
#include "broker/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/mutant.h"
#include "broker/broker.h"
#include "broker/core.h"
#include "broker/handlers.h"
#include "kafka/api_versions.h"
#include "kafka/frame.h"

namespace ringlog::broker {

Connection::Connection(BrokerCore& core, std::unique_ptr<io::Socket> socket, uint16_t listener)
    : core_(core),
      socket_(std::move(socket)),
      listener_(listener),
      last_active_(core.reactor().now()),
      work_(core.reactor()),
      room_(core.reactor()) {}

Connection::~Connection() {
    RL_ASSERT(requests_.empty() && incoming_ == nullptr);
}

io::Task<void> Connection::run() {
    resume();
    co_await send_loop();
    co_await close();
}

void Connection::resume() {
    stalled_ = false;
    const std::vector<std::byte> bytes = std::exchange(leftover_, {});
    consume(bytes);
    if (!stalled_ && !closing_ && !end_seen_) {
        socket_->start_receiving(*this);
    }
}

void Connection::on_bytes(ByteView bytes) {
    last_active_ = core_.reactor().now();
    if (closing_ || draining_) {
        return;
    }
    if (stalled_) {
        leftover_.insert(leftover_.end(), bytes.begin(), bytes.end());
        return;
    }
    consume(bytes);
}

void Connection::on_end(Error error) {
    end_seen_ = true;
    if (error.code == Errc::closed) {
        // What came before the end is done, also without anybody to answer to (acks=0).
        drain();
    } else {
        abort();
    }
}

void Connection::consume(ByteView bytes) {
    while (!bytes.empty() && !closing_) {
        if (incoming_ == nullptr) {
            const size_t take = std::min(bytes.size(), length_.size() - length_filled_);
            std::memcpy(length_.data() + length_filled_, bytes.data(), take);
            length_filled_ += static_cast<uint32_t>(take);
            bytes = bytes.subspan(take);
            if (length_filled_ < length_.size()) {
                return;
            }
            const kafka::Frame frame =
                kafka::inspect_frame(length_, core_.broker().config().request_bytes_max);
            length_filled_ = 0;
            if (frame.refused()) {
                refuse(kafka::frame_problem(frame.kind));
                return;
            }
            if (!begin_frame(static_cast<uint32_t>(frame.total_bytes - kafka::kFrameSizeBytes))) {
                leftover_.insert(leftover_.end(), bytes.begin(), bytes.end());
                stall();
                return;
            }
        }
        Request& request = *incoming_;
        const size_t take = std::min<size_t>(bytes.size(), request.size - request.filled);
        if (take > 0) {
            std::memcpy(request.bytes.get() + request.filled, bytes.data(), take);
            request.filled += static_cast<uint32_t>(take);
            bytes = bytes.subspan(take);
        }
        if (request.filled < request.size) {
            return;
        }
        incoming_ = nullptr;
        admit(request);
        if (stalled_) {  // it is about to move
            leftover_.insert(leftover_.end(), bytes.begin(), bytes.end());
            return;
        }
        const bool full = request_count_ >= kRequestsPerConnection ||
                          request_bytes_ >= kRequestBytesPerConnection;
        if (full && !closing_) {
            leftover_.insert(leftover_.end(), bytes.begin(), bytes.end());
            stall();
            return;
        }
    }
}

bool Connection::begin_frame(uint32_t size) {
    if (!core_.request_bytes().try_take(size)) {
        waiting_size_ = size;
        return false;
    }
    take_frame(size);
    return true;
}

void Connection::take_frame(uint32_t size) {
    incoming_ = &core_.take_request(size);
    incoming_started_ = core_.reactor().now();
}

void Connection::refuse(std::string_view problem) {
    core_.metrics().add(Counter::malformed_frames);
    core_.log_refusal(*this, problem);
    abort();
}

void Connection::admit(Request& request) {
    request.connection = this;
    request.received_ns = core_.reactor().exact_now();
    request.body = kafka::Reader(request.content());
    core_.metrics().add(Counter::request_bytes, request.size);
    request.header_status = kafka::read_request_header(request.body, request.header);
    requests_.push_back(request);
    ++request_count_;
    request_bytes_ += request.size;
    if (next_ == nullptr) {
        next_ = &request;
    }
    pump();
}

void Connection::pump() {
    while (next_ != nullptr && !closing_ && !barrier_ && !admitting_) {
        Request& request = *next_;
        const bool produce = request.header_status == kafka::HeaderStatus::ok &&
                             request.header.api_key == kafka::ApiKey::produce;
        if (!produce && requests_.front() != &request) {
            return;
        }
        next_ = requests_.next(request);
        barrier_ = !produce;
        start(request);
    }
}

void Connection::start(Request& request) {
    request.state = RequestState::running;
    if (request.header_status != kafka::HeaderStatus::ok) {
        answer_unknown(request);
        return;
    }
    core_.metrics().count_request(request.header.api_key);
    if (request.header.api_key == kafka::ApiKey::produce) {
        start_produce(*this, request);
        return;
    }
    tasks_.spawn(run_handler(request));
}

io::Task<void> Connection::run_handler(Request& request) {
    const Handler handler = find_handler(request.header.api_key);
    RL_ASSERT(handler != nullptr, "API {} has no handler",
              static_cast<int16_t>(request.header.api_key));
    co_await handler(*this, request);
    answered(request);
}

void Connection::release_requests() {
    admitting_ = false;
    pump();
}

void Connection::answer_unknown(Request& request) {
    const kafka::RequestHeader& header = request.header;
    if (request.header_status == kafka::HeaderStatus::unsupported_version &&
        header.api_key == kafka::ApiKey::api_versions) {
        kafka::encode_response(request.answer, header.correlation_id,
                               kafka::unsupported_api_versions(), 0);
    } else {
        request.silent = true;
        request.close_after = true;
        core_.metrics().add(Counter::malformed_frames);
        core_.log_refusal(
            *this, request.header_status == kafka::HeaderStatus::malformed
                       ? "a request whose header cannot be read"
                       : fmt::format("a request of API {} version {}, which is not served",
                                     static_cast<int16_t>(header.api_key), header.api_version));
    }
    answered(request);
}

void Connection::answered(Request& request) {
    request.state = RequestState::answered;
    if (mutant(Mutant::answers_out_of_order) &&
        requests_.front()->state != RequestState::answered) {
        request.unlink();
        requests_.push_front(request);
    }
    if (requests_.front() == &request) {
        work_.notify_one();
    }
}

void Connection::stall() {
    stalled_ = true;
    tasks_.spawn(resume_when_possible());
}

io::Task<void> Connection::resume_when_possible() {
    // Bytes that are already here still come, into leftover_.
    co_await socket_->pause();
    while (!closing_ && (request_count_ >= kRequestsPerConnection ||
                         request_bytes_ >= kRequestBytesPerConnection)) {
        co_await room_.wait();
    }
    if (waiting_size_ > 0 && !closing_) {
        const uint32_t size = std::exchange(waiting_size_, 0);
        co_await core_.request_bytes().take(size);
        take_frame(size);
    }
    if (!closing_ && !draining_) {
        resume();
    }
}

void Connection::abort() {
    if (!closing_) {
        closing_ = true;
        socket_->shutdown();
        wake_all();
    }
}

void Connection::drain() {
    draining_ = true;
    wake_all();
}

void Connection::wake_all() {
    work_.notify_all();
    room_.notify_all();
    if (parked_ != nullptr) {
        parked_->notify_all();
    }
}

void Connection::check(MonotonicNs now, int64_t idle_ns) {
    const bool stuck = send_started_ != 0 && now - send_started_ > kSendNs;
    const bool idle = requests_.empty() && now - last_active_ > idle_ns;
    // A size of four bytes takes up to socket.request.max.bytes of what all share.
    const bool holds_up = incoming_ != nullptr && !stalled_ && !closing_ &&
                          core_.request_bytes().has_waiters() && now - incoming_started_ > kFrameNs;
    if (holds_up) {
        core_.log_refusal(*this, fmt::format("{} of {} bytes of a request came in {} s, and others "
                                             "wait for their memory",
                                             incoming_->filled, incoming_->size,
                                             (now - incoming_started_) / kSecondNs));
    }
    if (parked_ != nullptr && core_.named_bytes().has_waiters()) {
        parked_->notify_all();
    }
    if (stuck || idle || holds_up) {
        abort();
    }
}

io::Task<void> Connection::close() {
    if (!moving_) {
        abort();
    }
    co_await tasks_.close();
    if (move_) {
        co_return;
    }
    if (incoming_ != nullptr) {
        core_.recycle(*std::exchange(incoming_, nullptr));
    }
    while (Request* request = requests_.pop_front()) {
        leave(*request);
    }
    co_await socket_->close();
}

}  // namespace ringlog::broker
