// Following the store. See cluster/image_follower.h.
#include "cluster/image_follower.h"

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"

namespace ringlog::cluster {

ImageFollower::ImageFollower(io::Reactor& reactor, MetadataStore& store, ImageListener* listener)
    : reactor_(reactor), store_(store), listener_(listener), changed_(reactor), closing_(reactor) {}

ImageFollower::~ImageFollower() {
    RL_ASSERT(tasks_.running() == 0, "close() is awaited before");
}

io::Task<void> ImageFollower::publish(ImagePtr image) {
    if (listener_ != nullptr) {
        co_await listener_->image_changed(image);
    }
    image_ = std::move(image);
    changed_.notify_all();
}

io::Task<Result<void>> ImageFollower::reload() {
    const Result<RangeResult> all = co_await store_.read(keys::everything());
    if (!all.has_value()) {
        co_return fail(all.error());
    }
    if (image_ != nullptr && all->revision < image_->revision()) {
        co_return fail(Errc::timed_out);
    }
    Result<ImagePtr> image = MetadataImage::load(*all);
    if (!image.has_value()) {
        co_return fail(image.error());
    }
    co_await publish(std::move(*image));
    co_return Result<void>{};
}

io::Task<Result<void>> ImageFollower::start() {
    const Result<void> loaded = co_await reload();
    if (loaded.has_value()) {
        tasks_.spawn(follow());
    }
    co_return loaded;
}

io::Task<Result<void>> ImageFollower::follow_watch() {
    auto watch = co_await store_.watch(keys::everything(), image_->revision() + 1);
    if (!watch.has_value()) {
        co_return fail(watch.error());
    }
    watch_ = std::move(*watch);
    while (!closed_) {
        const Result<ChangeBatch> batch = co_await watch_->next();
        if (!batch.has_value()) {
            co_return fail(batch.error());
        }
        Result<ImagePtr> next = image_->apply(*batch);
        if (!next.has_value()) {
            co_return fail(next.error());
        }
        co_await publish(std::move(*next));
    }
    co_return fail(Errc::closed);
}

io::Task<void> ImageFollower::follow() {
    int64_t retry_ns = kRetryFirstNs;
    while (!closed_) {
        const Revision before = image_->revision();
        Result<void> ended = co_await follow_watch();
        watch_.reset();
        if (!ended.has_value() && ended.error().code == Errc::not_found) {
            ended = co_await reload();
        }
        const Errc code = ended.has_value() ? Errc::cancelled : ended.error().code;
        if (code == Errc::closed || code == Errc::malformed || code == Errc::version_unknown) {
            state_ = ended;
            break;
        }
        retry_ns =
            image_->revision() > before ? kRetryFirstNs : std::min(2 * retry_ns, kRetryLastNs);
        if (code != Errc::cancelled && !closed_) {
            log_warn("metadata", "the store does not answer ({}); asking again", errc_name(code));
            co_await closing_.wait_until(reactor_.now() + retry_ns);
        }
    }
    if (state_.has_value()) {
        state_ = fail(Errc::closed);
    }
    changed_.notify_all();
}

io::Task<Result<void>> ImageFollower::wait_for(Revision revision) {
    while (image_->revision() < revision) {
        if (!state_.has_value()) {
            co_return state_;
        }
        co_await changed_.wait();
    }
    co_return Result<void>{};
}

io::Task<void> ImageFollower::close() {
    closed_ = true;
    if (watch_ != nullptr) {
        watch_->close();
    }
    closing_.notify_all();
    co_await tasks_.close();
}

}  // namespace ringlog::cluster
