// Watches over the recent changes of a store. Explained in cluster/watch_hub.h.
#include "cluster/watch_hub.h"

#include <algorithm>

#include "base/assert.h"

namespace ringlog::cluster {

class WatchHub::HubWatch final : public Watch {
public:
    HubWatch(WatchHub& hub, io::Reactor& reactor, KeyRange range, Revision from)
        : hub_(&hub), reactor_(reactor), event_(reactor), range_(std::move(range)), next_(from) {
        hub_->watches_.push_back(this);
    }
    ~HubWatch() override {
        RL_ASSERT(!event_.has_waiters());
        if (hub_ != nullptr) {
            std::erase(hub_->watches_, this);
        }
    }

    io::Task<Result<ChangeBatch>> next() override {
        while (true) {
            if (ended_.has_value()) {
                co_return fail(*ended_);
            }
            const MonotonicNs look_again = hub_->tick_ ? hub_->tick_() : INT64_MAX;
            if (next_ < hub_->first_kept_) {
                co_return fail(Errc::not_found, 0, hub_->first_kept_);
            }
            if (next_ <= hub_->revision_) {
                ChangeBatch batch = take();
                if (!batch.changes.empty()) {
                    co_return batch;
                }
            }
            co_await event_.wait_until(look_again);
        }
    }

    void close() override { end(Errc::closed); }

    void end(Errc code) {
        ended_ = code;
        notify();
    }
    void notify() {
        event_.notify_all();
        reactor_.wake();
    }
    void forget_hub() { hub_ = nullptr; }

private:
    ChangeBatch take() {
        ChangeBatch batch{.revision = hub_->revision_};
        const auto skip = next_ - hub_->first_kept_;
        for (auto at = hub_->history_.begin() + skip; at != hub_->history_.end(); ++at) {
            std::ranges::copy_if(at->changes, std::back_inserter(batch.changes),
                                 [this](const Change& c) { return range_.contains(c.entry.key); });
        }
        next_ = hub_->revision_ + 1;
        return batch;
    }

    WatchHub* hub_;
    io::Reactor& reactor_;
    io::Event event_;
    KeyRange range_;
    Revision next_;
    std::optional<Errc> ended_;
};

WatchHub::WatchHub(Revision revision, std::function<MonotonicNs()> tick)
    : tick_(std::move(tick)), revision_(revision), first_kept_(revision + 1) {}

WatchHub::~WatchHub() {
    end_watches(Errc::closed);
    for (HubWatch* watch : watches_) {
        watch->forget_hub();
    }
}

void WatchHub::publish(std::vector<Change> changes) {
    ++revision_;
    change_count_ += changes.size();
    history_.push_back({.revision = revision_, .changes = std::move(changes)});
    while (change_count_ > kHistoryChanges && history_.size() > 1) {
        forget_before(first_kept_ + 1);
    }
    for (HubWatch* watch : watches_) {
        watch->notify();
    }
}

void WatchHub::forget_before(Revision revision) {
    while (!history_.empty() && history_.front().revision < revision) {
        change_count_ -= history_.front().changes.size();
        history_.pop_front();
        ++first_kept_;
    }
}

Result<std::unique_ptr<Watch>> WatchHub::watch(io::Reactor& reactor, KeyRange range,
                                               Revision from) {
    if (from < first_kept_) {
        return fail(Errc::not_found, 0, first_kept_);
    }
    return std::make_unique<HubWatch>(*this, reactor, std::move(range), from);
}

void WatchHub::end_watches(Errc code) {
    for (HubWatch* watch : watches_) {
        watch->end(code);
    }
}

}  // namespace ringlog::cluster
