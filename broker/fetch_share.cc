// What a fetch does on the core that owns its partitions. See broker/fetch_share.h.
#include "broker/fetch_share.h"

#include <algorithm>
#include <memory>

#include "broker/core.h"

namespace ringlog::broker {

using kafka::ErrorCode;

namespace {

constexpr size_t kItemsPerSlice = 32;   ///< Of those that are read.
constexpr size_t kLooksPerSlice = 500;  ///< Of those that are looked at only.

ErrorCode epoch_error(const FetchItem& item, const engine::Partition& partition) {
    const int32_t current = partition.leader_epoch().value();
    if (item.leader_epoch < 0 || item.leader_epoch == current) {
        return ErrorCode::none;
    }
    return item.leader_epoch < current ? ErrorCode::fenced_leader_epoch
                                       : ErrorCode::unknown_leader_epoch;
}

/// What `item` has now.
void examine_item(BrokerCore& core, FetchItem& item) {
    item.available = 0;
    engine::Partition* const partition = core.partition(item.topic_id, item.partition);
    if (partition == nullptr || partition->deleted()) {
        item.error = core.missing_error(item.topic_id);
        return;
    }
    item.error = epoch_error(item, *partition);
    if (item.error != ErrorCode::none) {
        return;
    }
    item.high_watermark = partition->high_watermark();
    item.log_start_offset = partition->log_start_offset();
    if (item.offset < item.log_start_offset || item.offset > partition->log_end_offset()) {
        item.error = ErrorCode::offset_out_of_range;
        return;
    }
    item.available = partition->available_bytes(item.offset, std::max<uint32_t>(item.max_bytes, 1));
}

}  // namespace

void allot(std::span<FetchItem* const> items, uint64_t max_bytes) {
    uint64_t left = max_bytes;
    bool first = true;
    for (FetchItem* const item : items) {
        item->read_bytes = 0;
        item->read_whole = false;
        if (item->error != ErrorCode::none || item->available == 0 || (left == 0 && !first)) {
            continue;
        }
        item->read_bytes = std::max<uint64_t>(1, std::min<uint64_t>(item->max_bytes, left));
        item->read_whole = first;
        left -= std::min({left, item->available, item->read_bytes});
        first = false;
    }
}

void FetchShare::look_at(FetchItem& item, Look& sum) {
    examine_item(owner_, item);
    sum.available += item.available;
    sum.failed = sum.failed || item.error != ErrorCode::none;
}

FetchShare::Look FetchShare::examine() {
    Look sum;
    for (FetchItem* const item : items_) {
        look_at(*item, sum);
    }
    return sum;
}

io::Task<FetchShare::Look> FetchShare::look_there(FetchBounds bounds, bool alone) {
    Look sum;
    size_t count = 0;
    for (FetchItem* const item : items_) {
        look_at(*item, sum);
        if (++count % kLooksPerSlice == 0) {
            co_await owner_.reactor().yield();
        }
    }
    last_available_ = sum.available;
    if (alone && (sum.failed || sum.available >= bounds.min_bytes)) {
        allot(items_, bounds.max_bytes);
        co_await read_there();
        sum.read = true;
    }
    co_return sum;
}

io::Task<bool> FetchShare::read_there() {
    size_t count = 0;
    for (FetchItem* const item : items_) {
        if (item->read_bytes == 0) {
            continue;
        }
        engine::Partition* const partition = owner_.partition(item->topic_id, item->partition);
        if (partition == nullptr) {
            item->error = owner_.missing_error(item->topic_id);
            continue;
        }
        const engine::Partition::Hold hold(*partition);
        const auto most = static_cast<uint32_t>(std::min<uint64_t>(item->read_bytes, UINT32_MAX));
        auto read = co_await partition->read(item->offset, most, partition->high_watermark());
        if (!read) {
            item->error = read_error_code(read.error().code);
        } else if (read->bytes <= item->read_bytes || item->read_whole) {
            item->data = std::move(*read);
        }
        item->high_watermark = partition->high_watermark();
        item->log_start_offset = partition->log_start_offset();
        if (++count % kItemsPerSlice == 0) {
            co_await owner_.reactor().yield();
        }
    }
    co_return true;
}

io::Task<bool> FetchShare::wait_there(uint64_t needed) {
    io::Event changed(owner_.reactor());
    // Nodes of a list stay where they are.
    const auto listening = std::make_unique<Listening[]>(items_.size());
    cancelled_ = false;
    waiting_ = &changed;
    for (;;) {
        const Look now = examine();
        if (cancelled_ || now.failed || now.available >= needed) {
            break;
        }
        for (size_t i = 0; i < items_.size(); ++i) {
            if (!listening[i].linked()) {
                listening[i].changed = &changed;
                owner_.partition(items_[i]->topic_id, items_[i]->partition)
                    ->add_listener(listening[i]);
            }
        }
        co_await changed.wait();
    }
    for (size_t i = 0; i < items_.size(); ++i) {
        listening[i].unlink();
    }
    waiting_ = nullptr;
    co_return true;
}

io::Task<bool> FetchShare::cancel_there() {
    cancelled_ = true;
    if (waiting_ != nullptr) {
        waiting_->notify_all();
    }
    co_return true;
}

io::Task<FetchShare::Look> FetchShare::look(FetchBounds bounds, bool alone) {
    return io::call_on(home_, owner_.reactor().core(),
                       [this, bounds, alone](io::Reactor&) { return look_there(bounds, alone); });
}

io::Task<bool> FetchShare::read() {
    return io::call_on(home_, owner_.reactor().core(),
                       [this](io::Reactor&) { return read_there(); });
}

io::Task<bool> FetchShare::wait(uint64_t needed) {
    return io::call_on(home_, owner_.reactor().core(),
                       [this, needed](io::Reactor&) { return wait_there(needed); });
}

io::Task<bool> FetchShare::cancel() {
    return io::call_on(home_, owner_.reactor().core(),
                       [this](io::Reactor&) { return cancel_there(); });
}

}  // namespace ringlog::broker
