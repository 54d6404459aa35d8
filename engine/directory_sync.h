// The syncs of one data directory, shared by the shards of all cores. Any thread.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/error.h"
#include "io/file_system.h"

namespace ringlog::engine {

/// A sync of a file system that fails may have dropped what any core wrote before it, and the
/// kernel says so once: the next sync succeeds without it. So there is one at a time, and after one
/// failure every later one fails with the same error, whichever core asks.
class DirectorySync {
public:
    /// Blocking. What was written under `directory` before the call is on stable media when it
    /// succeeds. Errors: io_failed, no_space; then for ever.
    Result<void> sync(io::FileSystem& files, const std::string& directory) {
        const std::scoped_lock lock(mutex_);
        if (failure_) {
            return fail(*failure_);
        }
        auto synced = files.sync_file_system(directory);
        if (!synced) {
            failure_ = synced.error();
        }
        return synced;
    }

private:
    std::mutex mutex_;
    std::optional<Error> failure_;
};

}  // namespace ringlog::engine
