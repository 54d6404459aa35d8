#include "tests/crash/trace.h"

#include <fmt/format.h>

#include <array>

namespace ringlog::crash {
namespace {

constexpr std::array kNames = {"open",
                               "close",
                               "make_directory",
                               "rename",
                               "remove",
                               "sync_directory",
                               "sync_fs",
                               "file_write",
                               "file_sync",
                               "prewrite_begun",
                               "prewrite_done",
                               "preallocate",
                               "truncate",
                               "write_submitted",
                               "write_completed",
                               "flush_submitted",
                               "flush_completed",
                               "opened",
                               "topic_created",
                               "sent",
                               "appended",
                               "refused",
                               "acked",
                               "flushed",
                               "delete_begun",
                               "delete_done"};
static_assert(kNames.size() == static_cast<size_t>(EventKind::delete_done) + 1);

}  // namespace

bool changes_disk(EventKind kind) {
    return kind != EventKind::close && kind < EventKind::opened &&
           kind != EventKind::flush_submitted;
}

std::string describe(const Event& event) {
    const char* name = kNames[static_cast<size_t>(event.kind)];
    if (event.kind >= EventKind::opened) {
        return fmt::format(
            "{} topic {} partition {} batch {} position {} length {} journal {} "
            "sequence {} {}",
            name, event.topic, event.partition, event.batch, event.position, event.length,
            event.journal, event.sequence, event.path);
    }
    return fmt::format("{} fd {} op {} {}{} position {} length {} bytes {}{} result {}", name,
                       event.descriptor, event.operation, event.path,
                       event.target.empty() ? "" : " -> " + event.target, event.position,
                       event.length, event.bytes.size(), event.flushed ? " flushed" : "",
                       event.result);
}

}  // namespace ringlog::crash
