// The recent changes of a store that lives in this process, and the watches that read them. No
// thread of its own: runs on the core of the store; in the simulation, where one thread runs all
// cores, it may serve watches of several.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "cluster/metadata_store.h"
#include "io/event.h"

namespace ringlog::cluster {

/// Keeps the last kHistoryChanges changes. A watch reads them at its own pace, so that a slow one
/// costs no memory: it is told not_found when what it needs has gone.
class WatchHub {
public:
    static constexpr size_t kHistoryChanges = 65'536;

    /// History begins behind `revision`. `tick`, if given, is called before a watch looks: it may
    /// publish, and returns the time at which to look again.
    explicit WatchHub(Revision revision, std::function<MonotonicNs()> tick = {});
    ~WatchHub();
    WatchHub(const WatchHub&) = delete;
    WatchHub& operator=(const WatchHub&) = delete;

    [[nodiscard]] Revision revision() const { return revision_; }
    /// What revision() + 1 changed. The oldest are forgotten beyond kHistoryChanges.
    void publish(std::vector<Change> changes);
    /// Forgets every change before `revision`.
    void forget_before(Revision revision);
    /// Errors: not_found.
    Result<std::unique_ptr<Watch>> watch(io::Reactor& reactor, KeyRange range, Revision from);
    /// Ends every watch with `code`: closed, or cancelled.
    void end_watches(Errc code);

private:
    class HubWatch;
    struct Entry {
        Revision revision;
        std::vector<Change> changes;
    };

    std::function<MonotonicNs()> tick_;
    Revision revision_;
    Revision first_kept_;
    std::deque<Entry> history_;  ///< Revisions first_kept_ to revision_.
    size_t change_count_ = 0;
    std::vector<HubWatch*> watches_;
};

}  // namespace ringlog::cluster
