// Open files with a bound. See engine/descriptor_cache.h.
#include "engine/descriptor_cache.h"

namespace ringlog::engine {

io::Task<Result<DescriptorCache::Lease>> DescriptorCache::acquire(Slot& slot, Opener opener) {
    while (slot.opening_) {
        co_await changed_.wait();
    }
    if (slot.file_.is_open()) {
        slot.unlink();
        ++slot.pins_;
        co_return Lease(*this, slot);
    }
    slot.opening_ = true;
    while (open_count_ >= open_max_ && idle_.empty()) {
        co_await changed_.wait();
    }
    if (open_count_ >= open_max_) {
        close_one();
    }
    ++open_count_;
    const auto opened = co_await reactor_.run_blocking([&] { return opener(); });
    Result<io::File> file = opened ? io::File::attach(reactor_, *opened) : fail(opened.error());
    if (opened && !file) {
        co_await reactor_.run_blocking([&] { reactor_.files().close(opened->descriptor); });
    }
    slot.opening_ = false;
    changed_.notify_all();
    if (!file) {
        --open_count_;
        co_return fail(file.error());
    }
    slot.file_ = std::move(*file);
    slot.pins_ = 1;
    co_return Lease(*this, slot);
}

void DescriptorCache::forget(Slot& slot) {
    RL_ASSERT(slot.pins_ == 0 && !slot.opening_);
    if (slot.file_.is_open()) {
        slot.unlink();
        slot.file_.close();
        --open_count_;
        changed_.notify_all();
    }
}

void DescriptorCache::unpin(Slot& slot) {
    RL_ASSERT(slot.pins_ > 0);
    --slot.pins_;
    if (slot.pins_ == 0) {
        idle_.push_back(slot);
        changed_.notify_all();
    }
}

void DescriptorCache::close_one() {
    Slot* const slot = idle_.pop_front();
    slot->file_.close();
    --open_count_;
}

}  // namespace ringlog::engine
