#include "tests/simulation/sim_stream.h"

#include <algorithm>
#include <cerrno>

#include "base/checksum.h"
#include "tests/simulation/sim_network.h"

namespace ringlog::simulation {

uint64_t StreamEnd::write(ByteView bytes) {
    const Connection::Side& me = connection_->sides[side_];
    if (me.error != 0 || ended()) {
        return 0;
    }
    const uint64_t count = std::min<uint64_t>(bytes.size(), connection_->room(side_));
    if (count > 0) {
        connection_->write(side_, bytes.first(count));
    }
    return count;
}

uint64_t StreamEnd::room() const {
    return connection_->room(side_);
}

std::vector<std::byte> StreamEnd::read(uint64_t limit) {
    std::deque<std::byte>& arrived = connection_->sides[side_].arrived;
    const auto end = arrived.begin() + static_cast<ptrdiff_t>(std::min(limit, readable()));
    std::vector<std::byte> bytes(arrived.begin(), end);
    arrived.erase(arrived.begin(), end);
    if (!bytes.empty()) {
        connection_->notify(1 - side_);  // the sender has room again
    }
    return bytes;
}

uint64_t StreamEnd::readable() const {
    return connection_->sides[side_].arrived.size();
}

bool StreamEnd::at_end() const {
    const Connection::Side& me = connection_->sides[side_];
    return me.arrived.empty() && (me.reading_ended || connection_->sides[1 - side_].end_arrived);
}

int32_t StreamEnd::error() const {
    return connection_->sides[side_].error;
}

bool StreamEnd::ended() const {
    return connection_->sides[side_].end_written || connection_->sides[side_].closed;
}

void StreamEnd::end_writing() {
    connection_->end_writing(side_);
}

void StreamEnd::shutdown() {
    Connection::Side& me = connection_->sides[side_];
    me.reading_ended = true;
    me.arrived.clear();
    connection_->end_writing(side_);
    connection_->notify(side_);
}

void StreamEnd::close() {
    Connection::Side& me = connection_->sides[side_];
    if (me.closed) {
        return;
    }
    on_change = nullptr;
    const bool unread = !me.arrived.empty();
    me.closed = true;
    me.arrived.clear();
    if (unread && me.error == 0) {
        reset();
    } else {
        connection_->end_writing(side_);
    }
}

void StreamEnd::reset() {
    connection_->break_both(ECONNRESET);
}

void StreamEnd::vanish() {
    Connection::Side& me = connection_->sides[side_];
    on_change = nullptr;
    me.vanished = true;
    me.closed = true;
    me.under_way.clear();
    me.arrived.clear();
}

const std::string& StreamEnd::peer() const {
    return connection_->sides[1 - side_].address;
}

uint64_t Connection::room(uint32_t from) const {
    const uint64_t held = sides[from].under_way.size() + sides[1 - from].arrived.size();
    return held >= capacity_bytes ? 0 : capacity_bytes - held;
}

void Connection::write(uint32_t from, ByteView bytes) {
    Side& me = sides[from];
    network_.record("send", *this, from, bytes.size(), xxh3(bytes));
    me.under_way.insert(me.under_way.end(), bytes.begin(), bytes.end());
    move_later(from);
}

void Connection::end_writing(uint32_t from) {
    if (!sides[from].end_written) {
        sides[from].end_written = true;
        move_later(from);
    }
}

bool Connection::has_something_under_way(uint32_t from) const {
    const Side& me = sides[from];
    return !me.vanished && me.error == 0 &&
           (!me.under_way.empty() || (me.end_written && !me.end_arrived));
}

void Connection::move_later(uint32_t from) {
    Side& me = sides[from];
    if (me.moving || me.stalled || !has_something_under_way(from)) {
        return;
    }
    me.moving = true;
    me.last_arrival = std::max(me.last_arrival, network_.draw_arrival());
    network_.at(me.last_arrival, [self = shared_from_this(), from] {
        self->sides[from].moving = false;
        self->move_one(from);
    });
}

void Connection::move_one(uint32_t from) {
    Side& me = sides[from];
    const Side& other = sides[1 - from];
    if (!has_something_under_way(from)) {
        return;
    }
    if (network_.is_cut(me.host, other.host) || (other.vanished && !network_.is_up(other.host))) {
        stall(from);
        return;
    }
    if (other.vanished || (other.closed && !me.under_way.empty())) {
        break_side(from,
                   ECONNRESET);  // the other machine does not know, or no longer wants, this stream
        return;
    }
    arrive(from);
    move_later(from);
}

void Connection::arrive(uint32_t from) {
    Side& me = sides[from];
    Side& other = sides[1 - from];
    if (me.under_way.empty()) {
        me.end_arrived = true;
        network_.record("end", *this, from, 0, 0);
        notify(1 - from);
        return;
    }
    if (network_.random().chance(network_.options().reset_per_million, 1'000'000)) {
        break_both(ECONNRESET);
        return;
    }
    const uint64_t most = std::min<uint64_t>(me.under_way.size(), network_.options().segment_bytes);
    const auto cut =
        me.under_way.begin() + static_cast<ptrdiff_t>(1 + network_.random().below(most));
    std::vector<std::byte> segment(me.under_way.begin(), cut);
    me.under_way.erase(me.under_way.begin(), cut);
    if (network_.random().chance(network_.options().corrupt_per_million, 1'000'000)) {
        segment[network_.random().below(segment.size())] ^= std::byte{1}
                                                            << network_.random().below(8);
    }
    network_.record("arrive", *this, from, segment.size(), 0);
    if (!other.reading_ended) {
        other.arrived.insert(other.arrived.end(), segment.begin(), segment.end());
    }
    notify(1 - from);
    notify(from);
}

void Connection::stall(uint32_t from) {
    Side& me = sides[from];
    me.stalled = true;
    const uint64_t this_stall = ++me.stall;
    network_.at(network_.now() + network_.options().give_up_ns,
                [self = shared_from_this(), from, this_stall] {
                    const Side& now = self->sides[from];
                    if (now.stalled && now.stall == this_stall) {
                        self->break_side(from, ETIMEDOUT);
                    }
                });
}

void Connection::notify(uint32_t side) {
    if (const std::shared_ptr<StreamEnd> end = sides[side].end.lock(); end && end->on_change) {
        end->on_change();
    }
}

void Connection::break_side(uint32_t side, int32_t error) {
    Side& me = sides[side];
    if (me.error == 0) {
        me.error = error;
        me.under_way.clear();
        me.stalled = false;
        if (error == ECONNRESET) {
            me.arrived.clear();
        }
        network_.record("break", *this, side, 0, static_cast<uint64_t>(error));
        notify(side);
    }
}

void Connection::break_both(int32_t error) {
    break_side(0, error);
    break_side(1, error);
}

}  // namespace ringlog::simulation
