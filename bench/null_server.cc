#include "bench/null_server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "bench/net.h"
#include "bench/requests.h"

namespace ringlog::bench {
namespace {

constexpr size_t kReceiveBytes = size_t{1} << 20;
constexpr size_t kHeadBytes =
    640;  ///< Holds a Produce's fields with the longest topic name, and the batch's header.
constexpr size_t kLengthBytes = 4;
constexpr int16_t kNotLeader = 6;
constexpr int32_t kNodeId = 1;
constexpr int32_t kPartitionCountMax = 1'000'000;
constexpr std::string_view kHost = "127.0.0.1";

/// Walks over the head of a request; a field beyond it reads as 0.
class Head {
public:
    explicit Head(ByteView bytes) : rest_(bytes) {}
    template <std::integral T>
    T take() {
        const ByteView bytes = raw(sizeof(T));
        return bytes.size() == sizeof(T) ? load_be<T>(bytes.data()) : T{};
    }
    std::string_view string() {
        const auto length = take<int16_t>();
        return length > 0 ? as_text(raw(static_cast<size_t>(length))) : std::string_view();
    }
    ByteView raw(size_t count) {
        const ByteView bytes = rest_.first(std::min(count, rest_.size()));
        rest_ = rest_.subspan(bytes.size());
        return bytes;
    }

private:
    ByteView rest_;
};

/// Appends one answer; its length is filled in when it goes out of scope.
class Answer {
public:
    explicit Answer(std::vector<std::byte>& out) : out_(out), from_(out.size()) { put<int32_t>(0); }
    ~Answer() {
        store_be(out_.data() + from_, static_cast<int32_t>(out_.size() - from_ - kLengthBytes));
    }
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;

    template <std::integral T>
    void put(T value) {
        const size_t at = out_.size();
        out_.resize(at + sizeof(T));
        store_be(out_.data() + at, value);
    }
    void string(std::string_view text) {
        put(static_cast<int16_t>(text.size()));
        const ByteView bytes = as_bytes(text);
        out_.insert(out_.end(), bytes.begin(), bytes.end());
    }

private:
    std::vector<std::byte>& out_;
    size_t from_;
};

}  // namespace

Result<std::unique_ptr<NullServer>> NullServer::start(uint16_t port, NullFaults faults) {
    auto listener = listen_on_loopback(port);
    if (!listener) {
        return fail(listener.error());
    }
    Fd wake(::eventfd(0, EFD_CLOEXEC));
    if (!wake.valid()) {
        return fail(Errc::io_failed, errno);
    }
    std::unique_ptr<NullServer> server(
        new NullServer(std::move(*listener), std::move(wake), faults));
    server->thread_ = std::thread([raw = server.get()] { raw->serve(); });
    return server;
}

NullServer::NullServer(Fd listener, Fd wake, NullFaults faults)
    : listener_(std::move(listener)),
      wake_(std::move(wake)),
      port_(bound_port(listener_)),
      received_(kReceiveBytes),
      faults_(faults) {}

NullServer::~NullServer() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
    if (thread_.joinable()) {
        thread_.join();
    }
}

void NullServer::serve() {
    const Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    const auto watch = [&](int fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event);
    };
    watch(listener_.get());
    watch(wake_.get());
    std::array<epoll_event, 256> events;
    while (true) {
        const int count = ::epoll_wait(epoll.get(), events.data(), events.size(), -1);
        for (int index = 0; index < count; ++index) {
            const int fd = events[static_cast<size_t>(index)].data.fd;
            if (fd == wake_.get()) {
                return;
            }
            if (fd == listener_.get()) {
                accept_peer(epoll.get());
                continue;
            }
            if (!readable(*peers_.at(fd))) {
                peers_.erase(fd);
            }
        }
    }
}

void NullServer::accept_peer(int epoll_fd) {
    auto fd = accept_on(listener_);
    if (!fd) {
        return;
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd->get();
    ::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd->get(), &event);
    auto peer = std::make_unique<Peer>();
    peer->fd = std::move(*fd);
    peers_[event.data.fd] = std::move(peer);
}

bool NullServer::readable(Peer& peer) {
    const ssize_t got = ::recv(peer.fd.get(), received_.data(), received_.size(), MSG_DONTWAIT);
    if (got < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    if (got == 0 || !take(peer, ByteView(received_).first(static_cast<size_t>(got)))) {
        return false;
    }
    const bool sent = peer.answers.empty() || send_all(peer.fd.get(), peer.answers).has_value();
    peer.answers.clear();
    return sent;
}

bool NullServer::take(Peer& peer, ByteView bytes) {
    while (!bytes.empty()) {
        if (peer.frame_left == 0) {
            const size_t missing = std::min(kLengthBytes - peer.head.size(), bytes.size());
            peer.head.insert(peer.head.end(), bytes.begin(),
                             bytes.begin() + static_cast<ptrdiff_t>(missing));
            bytes = bytes.subspan(missing);
            if (peer.head.size() < kLengthBytes) {
                return true;
            }
            const auto length = load_be<int32_t>(peer.head.data());
            if (length <= 0) {
                return false;
            }
            peer.frame_left = static_cast<size_t>(length);
            peer.head.clear();
        }
        const size_t part = std::min(peer.frame_left, bytes.size());
        const size_t kept = std::min(part, kHeadBytes - peer.head.size());
        peer.head.insert(peer.head.end(), bytes.begin(),
                         bytes.begin() + static_cast<ptrdiff_t>(kept));
        peer.frame_left -= part;
        bytes = bytes.subspan(part);
        if (peer.frame_left == 0) {
            if (!frame_complete(peer)) {
                return false;
            }
            peer.head.clear();
        }
    }
    return true;
}

bool NullServer::frame_complete(Peer& peer) {
    switch (Head(peer.head).take<int16_t>()) {
        case kProduceKey: return answer_produce(peer);
        case kCreateTopicsKey: answer_create(peer); return true;
        case kMetadataKey: answer_metadata(peer); return true;
        default: return false;
    }
}

bool NullServer::answer_produce(Peer& peer) {
    Head head(peer.head);
    head.take<int32_t>();  // key, version
    const auto correlation_id = head.take<int32_t>();
    head.string();  // client
    head.string();  // transactional id
    const auto acks = head.take<int16_t>();
    head.take<int32_t>();  // timeout
    head.take<int32_t>();  // one topic
    const std::string_view topic = head.string();
    head.take<int32_t>();  // one partition
    const auto partition = std::clamp(head.take<int32_t>(), 0, partition_count_ - 1);
    head.take<int32_t>();  // bytes of records
    head.raw(kBatchLastDeltaPosition);
    const int32_t record_count = head.take<int32_t>() + 1;
    end_offsets_.resize(static_cast<size_t>(partition_count_));
    int64_t& end_offset = end_offsets_[static_cast<size_t>(partition)];
    ++produce_count_;
    const auto due = [&](uint64_t every) { return every > 0 && produce_count_ % every == 0; };
    if (due(faults_.hang_up_after)) {
        return false;
    }
    end_offset += due(faults_.skip_offset_every) ? 1 : 0;
    end_offset -= due(faults_.repeat_offset_every) ? record_count : 0;
    const int64_t base_offset = end_offset;
    end_offset += record_count;
    if (acks == 0) {
        return true;
    }
    Answer answer(peer.answers);
    answer.put(correlation_id);
    answer.put<int32_t>(1);
    answer.string(topic);
    answer.put<int32_t>(1);
    answer.put(partition);
    answer.put<int16_t>(due(faults_.refuse_every) ? kNotLeader : 0);
    answer.put(base_offset);
    answer.put<int64_t>(-1);
    answer.put<int64_t>(0);
    answer.put<int32_t>(0);
    return true;
}

void NullServer::answer_create(Peer& peer) {
    Head head(peer.head);
    head.take<int32_t>();
    const auto correlation_id = head.take<int32_t>();
    head.string();
    head.take<int32_t>();
    const std::string_view topic = head.string();
    partition_count_ = std::clamp(head.take<int32_t>(), 1, kPartitionCountMax);
    end_offsets_.assign(static_cast<size_t>(partition_count_), 0);
    Answer answer(peer.answers);
    answer.put(correlation_id);
    answer.put<int32_t>(0);
    answer.put<int32_t>(1);
    answer.string(topic);
    answer.put<int16_t>(0);
    answer.put<int16_t>(-1);  // no message
}

void NullServer::answer_metadata(Peer& peer) {
    Head head(peer.head);
    head.take<int32_t>();
    const auto correlation_id = head.take<int32_t>();
    head.string();
    head.take<int32_t>();
    const std::string_view topic = head.string();
    Answer answer(peer.answers);
    answer.put(correlation_id);
    answer.put<int32_t>(0);
    answer.put<int32_t>(1);
    answer.put(kNodeId);
    answer.string(kHost);
    answer.put<int32_t>(port_);
    answer.put<int16_t>(-1);
    answer.put<int16_t>(-1);
    answer.put(kNodeId);
    answer.put<int32_t>(1);
    answer.put<int16_t>(0);
    answer.string(topic);
    answer.put<int8_t>(0);
    answer.put(partition_count_);
    for (int32_t partition = 0; partition < partition_count_; ++partition) {
        answer.put<int16_t>(0);
        answer.put(partition);
        answer.put(kNodeId);
        answer.put<int32_t>(0);
        answer.put<int32_t>(0);
    }
}

}  // namespace ringlog::bench
