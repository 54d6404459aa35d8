#include "bench/produce_worker.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace ringlog::bench {
namespace {

constexpr int kEventsPerTurn = 256;
constexpr MonotonicNs kLongestWaitNs = 100 * kMillisecondNs;

MonotonicNs now_ns() {
    return SystemClock().monotonic_ns();
}

int64_t thread_cpu_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * kSecondNs + time.tv_nsec;
}

}  // namespace

ProduceWorker::ProduceWorker(WorkerSpec spec, const ProduceContent& content,
                             std::vector<std::unique_ptr<ProducerConnection>> connections,
                             std::unique_ptr<Consumer> tail)
    : spec_(spec),
      content_(content),
      connections_(std::move(connections)),
      tail_(std::move(tail)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      on_answer_([this](auto& connection, const auto& request, const auto& answer) {
          answered(connection, request, answer);
      }) {}

void ProduceWorker::watch(int fd, uint32_t events, void* tag, bool first) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = tag;
    ::epoll_ctl(epoll_.get(), first ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

WorkerResult ProduceWorker::run() {
    ::prctl(PR_SET_TIMERSLACK, 1UL);  // the kernel may otherwise wake us 50 us late
    if (auto done = loop(); !done) {
        result_.failure = done.error();
    }
    result_.unanswered = open_requests_;
    if (result_.ended_ns == 0) {
        result_.ended_ns = now_ns();
    }
    if (tail_) {
        result_.consumed = tail_->record_count();
        result_.consumer_gaps = tail_->gap_count();
    }
    return std::move(result_);
}

Result<void> ProduceWorker::loop() {
    for (auto& connection : connections_) {
        watch(connection->fd(), EPOLLIN, connection.get(), true);
    }
    if (tail_) {
        watch(tail_->fd(), EPOLLIN, nullptr, true);
        if (auto asked = tail_->ask(); !asked) {
            return asked;
        }
    }
    if (open_loop()) {
        pacer_.emplace(Pacer::Spec{.per_second = spec_.per_second,
                                   .spacing = spec_.spacing,
                                   .seed = spec_.seed,
                                   .start_ns = spec_.schedule.start_ns});
    } else {
        for (auto& connection : connections_) {
            for (int each = 0; each < spec_.in_flight; ++each) {
                connection->queue(now_ns());
                ++open_requests_;
            }
            touch(*connection);
        }
    }
    while (phase_ != Phase::done) {
        if (auto turned = turn(); !turned) {
            return turned;
        }
    }
    return {};
}

void ProduceWorker::move_phase(MonotonicNs now) {
    if (phase_ == Phase::warming && now >= spec_.schedule.measure_ns) {
        phase_ = Phase::measuring;
        cpu_start_ns_ = thread_cpu_ns();
    }
    const bool enough = spec_.requests_max > 0 && counted_ >= spec_.requests_max;
    const bool stopped = spec_.stop != nullptr && spec_.stop->load(std::memory_order_relaxed);
    if (phase_ == Phase::measuring && (enough || stopped || now >= spec_.schedule.end_ns)) {
        phase_ = Phase::draining;
        result_.cpu_ns = thread_cpu_ns() - cpu_start_ns_;
        result_.ended_ns = now;
        spec_.schedule.end_ns = std::min(spec_.schedule.end_ns, now);
    }
    const bool consumed = !tail_ || tail_->record_count() >= acked_records_;
    const bool drained = open_requests_ == 0 && consumed;
    if (stopped || (phase_ == Phase::draining && (drained || now >= spec_.schedule.give_up_ns))) {
        phase_ = Phase::done;
    }
}

MonotonicNs ProduceWorker::wake_at(MonotonicNs now) const {
    MonotonicNs at = now + kLongestWaitNs;
    if (phase_ == Phase::warming) {
        at = std::min(at, spec_.schedule.measure_ns);
    }
    if (phase_ == Phase::measuring) {
        at = std::min(at, spec_.schedule.end_ns);
    }
    if (pacer_ && phase_ != Phase::draining) {
        at = std::min(at, pacer_->next());
    }
    return std::max(at, now);
}

void ProduceWorker::touch(ProducerConnection& connection) {
    if (!connection.touched) {
        connection.touched = true;
        touched_.push_back(&connection);
    }
}

void ProduceWorker::send_due(MonotonicNs now) {
    while (pacer_ && phase_ != Phase::draining && pacer_->next() <= now &&
           pacer_->next() < spec_.schedule.end_ns) {
        const MonotonicNs intended = pacer_->next();
        pacer_->advance();
        result_.intended_in_window += intended >= spec_.schedule.measure_ns ? 1 : 0;
        if (open_requests_ >= spec_.open_requests_max) {
            ++result_.refused;
            continue;
        }
        ProducerConnection& connection = *connections_[next_connection_];
        next_connection_ = next_connection_ + 1 == connections_.size() ? 0 : next_connection_ + 1;
        connection.queue(intended);
        ++open_requests_;
        touch(connection);
    }
}

Result<void> ProduceWorker::flush(ProducerConnection& connection) {
    connection.touched = false;
    const auto all = connection.flush(on_answer_);
    if (!all) {
        return fail(all.error());
    }
    if (*all == connection.waits_for_room) {
        connection.waits_for_room = !*all;
        watch(connection.fd(), *all ? EPOLLIN : EPOLLIN | EPOLLOUT, &connection, false);
    }
    return {};
}

Result<void> ProduceWorker::flush_touched() {
    for (size_t index = 0; index < touched_.size(); ++index) {
        if (!touched_[index]->waits_for_room) {
            if (auto flushed = flush(*touched_[index]); !flushed) {
                return flushed;
            }
        }
        touched_[index]->touched = false;
    }
    touched_.clear();
    return {};
}

Result<void> ProduceWorker::turn() {
    const MonotonicNs now = now_ns();
    send_due(now);  // first: what fell due before a late wake-up at the window's end counts too
    move_phase(now);
    if (phase_ == Phase::done) {
        return {};
    }
    if (auto flushed = flush_touched(); !flushed) {
        return flushed;
    }
    const MonotonicNs wait = std::max<MonotonicNs>(wake_at(now) - now_ns(), 0);
    const timespec limit{.tv_sec = wait / kSecondNs, .tv_nsec = wait % kSecondNs};
    std::array<epoll_event, kEventsPerTurn> events;
    const int count = ::epoll_pwait2(epoll_.get(), events.data(), kEventsPerTurn, &limit, nullptr);
    if (count < 0 && errno != EINTR) {
        return fail(Errc::io_failed, errno);
    }
    for (int index = 0; index < count; ++index) {
        const epoll_event& event = events[static_cast<size_t>(index)];
        if (event.data.ptr == nullptr) {
            if (auto taken = tail_readable(); !taken) {
                return taken;
            }
            continue;
        }
        auto& connection = *static_cast<ProducerConnection*>(event.data.ptr);
        if ((event.events & EPOLLOUT) != 0) {
            if (auto flushed = flush(connection); !flushed) {
                return flushed;
            }
        }
        if ((event.events & ~EPOLLOUT) != 0) {
            if (auto received = connection.receive(on_answer_); !received) {
                return received;
            }
        }
    }
    return {};
}

void ProduceWorker::answered(ProducerConnection& connection,
                             const ProducerConnection::Request& request,
                             const ProduceAnswer& answer) {
    const MonotonicNs now = now_ns();
    --open_requests_;
    if (!open_loop() && phase_ != Phase::draining && now < spec_.schedule.end_ns) {
        connection.queue(now);
        ++open_requests_;
        touch(connection);
    }
    if (answer.error_code != 0) {
        ++result_.errors[answer.error_code];
        return;
    }
    acked_records_ += static_cast<uint64_t>(content_.batches[0].record_count);
    if (content_.acks != 0) {
        count_offset(connection, answer);
    }
    const Schedule& times = spec_.schedule;
    if (now >= times.measure_ns && now < times.end_ns) {
        ++result_.requests_in_window;
    }
    if (request.intended_ns >= times.measure_ns && request.intended_ns < times.end_ns) {
        ++counted_;
        result_.ack_ns.record(static_cast<uint64_t>(now - request.intended_ns));
        result_.service_ns.record(static_cast<uint64_t>(now - request.sent_ns));
        if (open_loop()) {
            result_.late_ns.record(
                static_cast<uint64_t>(std::max<int64_t>(request.sent_ns - request.intended_ns, 0)));
        }
    }
}

void ProduceWorker::count_offset(ProducerConnection& connection, const ProduceAnswer& answer) {
    const int32_t record_count = content_.batches[0].record_count;
    auto [last, first_time] = last_offsets_.try_emplace({&connection, answer.partition}, -1);
    if (answer.base_offset <= last->second) {
        ++result_.disordered;
    }
    last->second = answer.base_offset + record_count - 1;
    PartitionCount& count = result_.partitions[answer.partition];
    count.first_offset = std::min(count.first_offset, answer.base_offset);
    count.end_offset = std::max(count.end_offset, answer.base_offset + record_count);
    count.record_count += record_count;
}

Result<void> ProduceWorker::tail_readable() {
    const auto complete = tail_->receive([&](const FetchedBatch& batch) {
        const MonotonicNs now = now_ns();
        const size_t position = content_.batches[0].value_position;
        if (batch.bytes.size() < position + sizeof(int64_t)) {
            return;
        }
        const auto intended = load_le<int64_t>(batch.bytes.data() + position);
        if (intended >= spec_.schedule.measure_ns && intended < spec_.schedule.end_ns) {
            result_.end_to_end_ns.record(static_cast<uint64_t>(now - intended));
        }
    });
    if (!complete) {
        return fail(complete.error());
    }
    return *complete ? tail_->ask() : Result<void>();
}

}  // namespace ringlog::bench
