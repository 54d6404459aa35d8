// What one life of a log did to its files, and what its clients saw of it, in one order: the input
// of the crash enumerator. Explained in tests/crash/README.md.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"

namespace ringlog::crash {

enum class EventKind : uint8_t {
    // Names and calls that block: whole, in this order.
    open,              ///< `path` got `descriptor`; made if it was not there and `create`.
    close,             ///< `descriptor`.
    make_directory,    ///< `path`.
    rename,            ///< `path` to `target`.
    remove,            ///< `path`.
    sync_directory,    ///< `path`: its names are durable.
    sync_file_system,  ///< Everything that had completed is durable.
    file_write,        ///< `bytes` at `position`: there, not durable.
    file_sync,         ///< What had completed of the file is durable.
    prewrite_begun,    ///< Zeros over `length` bytes from `position` may be there, or not;
    prewrite_done,     ///< and now they are there and durable.
    preallocate,       ///< `length` bytes from `position`.
    truncate,          ///< To `length` bytes.
    // Operations of a core: begun and ended apart, `operation` names the pair.
    write_submitted,  ///< `bytes` at `position`; `flushed`: durable when it completes.
    write_completed,  ///< `result` bytes, or a negative errno.
    flush_submitted,
    flush_completed,
    // What clients saw. `topic`, `partition` and `batch` name a batch.
    opened,         ///< The log serves; what recovery gave may have been read.
    topic_created,  ///< `path` is its name, `id` its id.
    sent,           ///< `bytes` as the client sent them.
    appended,       ///< At offset `position`, up to `length`.
    refused,        ///< Surely not in the log, if `result` is 0; else nobody knows.
    acked,          ///< Frame `sequence` of `journal` was complete at the durability.
    flushed,        ///< Frames up to `sequence` of `journal` were flushed.
    delete_begun,   ///< `topic`.
    delete_done,
};

struct Event {
    EventKind kind = EventKind::open;
    bool create = false;
    bool flushed = false;
    int32_t descriptor = -1;
    uint64_t operation = 0;
    uint64_t position = 0;
    uint64_t length = 0;
    int64_t result = 0;
    std::string path;
    std::string target;
    std::vector<std::byte> bytes;
    Uuid id;
    uint32_t topic = 0;
    int32_t partition = 0;
    uint32_t batch = 0;
    uint16_t journal = 0;
    uint64_t sequence = 0;
    int32_t epoch = 0;
};

/// True if the event changes what a crash could leave on the disk.
bool changes_disk(EventKind kind);
/// One readable line.
std::string describe(const Event& event);

/// Thread safe. Calls that block are made while the order is held, so that what happened and what
/// was recorded are in the same order.
class Trace {
public:
    void add(Event event) {
        const std::lock_guard guard(mutex_);
        events_.push_back(std::move(event));
    }
    /// Records with the lock held already.
    void add_locked(Event event) { events_.push_back(std::move(event)); }
    [[nodiscard]] std::mutex& mutex() { return mutex_; }
    uint64_t next_operation() { return ++operations_; }  ///< With the lock held.
    /// When nothing runs any more.
    [[nodiscard]] const std::vector<Event>& events() const { return events_; }

private:
    std::mutex mutex_;
    std::vector<Event> events_;
    uint64_t operations_ = 0;
};

}  // namespace ringlog::crash
