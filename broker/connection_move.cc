// A connection goes to the core whose partitions it uses, so that its requests pay no hop. See
// broker/connection.h and docs/architecture.md, "Threads".
#include <algorithm>

#include "broker/broker.h"
#include "broker/connection.h"
#include "broker/core.h"

namespace ringlog::broker {

namespace {

/// Requests in a row for one other core before a connection moves there.
constexpr uint32_t kMoveStreak = 64;
/// How long a move waits until nothing is in flight, and how often it is tried.
constexpr int64_t kMoveWaitNs = 100 * kMillisecondNs;
constexpr int64_t kMoveIntervalNs = kSecondNs;
/// A frame of which more is here is received where it is.
constexpr uint32_t kPartialBytesMax = 64 << 10;

}  // namespace

void Connection::note_owner(uint16_t owner) {
    owner_streak_ = owner == owner_ ? owner_streak_ + 1 : 1;
    owner_ = owner;
    const bool wanted =
        owner != kManyOwners && owner != core_.index() && owner_streak_ >= kMoveStreak;
    if (!wanted || !core_.broker().config().move_connections || stalled_ || closing_ || draining_) {
        return;
    }
    const MonotonicNs now = core_.reactor().now();
    // Never onto a core that is busier than its own.
    const uint32_t there =
        core_.broker().core(owner).connection_count.load(std::memory_order_relaxed);
    const uint32_t here = core_.connection_count.load(std::memory_order_relaxed);
    if (there >= here || (last_move_ != 0 && now - last_move_ < kMoveIntervalNs)) {
        return;
    }
    last_move_ = now;
    owner_streak_ = 0;
    stalled_ = true;
    tasks_.spawn(try_move(owner));
}

io::Task<void> Connection::try_move(uint16_t core) {
    // Bytes that are already here still come, into leftover_; the rest waits in the kernel for the
    // other core.
    co_await socket_->pause();
    const MonotonicNs deadline = core_.reactor().now() + kMoveWaitNs;
    while (!requests_.empty() && !closing_ && core_.reactor().now() < deadline) {
        co_await room_.wait_until(deadline);
    }
    if (closing_ || draining_) {
        co_return;
    }
    const bool large = incoming_ != nullptr && incoming_->filled > kPartialBytesMax;
    if (!requests_.empty() || end_seen_ || large) {
        resume();
        co_return;
    }
    moving_ = true;
    move_ = pack(core);
    work_.notify_all();
}

Connection::Move Connection::pack(uint16_t core) {
    Move move{.core = core, .listener = listener_, .descriptor = socket_->release(), .unread = {}};
    if (incoming_ != nullptr) {
        move.unread.resize(sizeof(int32_t));
        store_be<int32_t>(move.unread.data(), static_cast<int32_t>(incoming_->size));
        const ByteView here = ByteView(incoming_->content()).first(incoming_->filled);
        move.unread.insert(move.unread.end(), here.begin(), here.end());
        core_.recycle(*std::exchange(incoming_, nullptr));
    } else {
        const ByteView here = ByteView(length_).first(length_filled_);
        move.unread.insert(move.unread.end(), here.begin(), here.end());
    }
    move.unread.insert(move.unread.end(), leftover_.begin(), leftover_.end());
    return move;
}

}  // namespace ringlog::broker
