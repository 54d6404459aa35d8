// Keeps the image up with the store: reads everything once, then folds what its watch reports, and
// hands each new image on. One core. Explained in cluster/README.md.
#pragma once

#include <memory>

#include "cluster/image.h"
#include "cluster/metadata_store.h"
#include "io/event.h"
#include "io/reactor.h"

namespace ringlog::cluster {

/// Whoever needs each new image: the broker, which gives it to every core.
class ImageListener {
public:
    virtual ~ImageListener() = default;
    /// Images come in order, one at a time; the next one waits until this has finished. A change
    /// counts as visible when it has. Runs on the follower's core.
    virtual io::Task<void> image_changed(ImagePtr image) = 0;
};

class ImageFollower {
public:
    /// `listener` may be null.
    ImageFollower(io::Reactor& reactor, MetadataStore& store, ImageListener* listener);
    ~ImageFollower();

    /// Reads everything and begins to follow. Once. Errors: of the store; malformed,
    /// version_unknown.
    io::Task<Result<void>> start();
    /// Ends following; nobody may wait in wait_for.
    io::Task<void> close();

    /// The newest image that the listener has taken. Not null after start().
    [[nodiscard]] const ImagePtr& image() const { return image_; }
    /// Waits until the listener has an image with `revision`. Errors: closed, and malformed or
    /// version_unknown when what the store reports cannot be read: then following has ended for
    /// good.
    io::Task<Result<void>> wait_for(Revision revision);

private:
    /// The first wait after an error of the store, doubled up to the last.
    static constexpr int64_t kRetryFirstNs = 10 * kMillisecondNs;
    static constexpr int64_t kRetryLastNs = kSecondNs;

    io::Task<void> follow();
    io::Task<Result<void>> follow_watch();
    io::Task<Result<void>> reload();
    io::Task<void> publish(ImagePtr image);

    io::Reactor& reactor_;
    MetadataStore& store_;
    ImageListener* listener_;
    ImagePtr image_;
    std::unique_ptr<Watch> watch_;
    io::Event changed_;
    io::Event closing_;
    io::TaskGroup tasks_;
    Result<void> state_{};  ///< Why following has ended.
    bool closed_ = false;
};

}  // namespace ringlog::cluster
