#include "tests/crash/model.h"

#include <algorithm>

#include "base/assert.h"

namespace ringlog::crash {

using simulation::InodePtr;

Model::Model(const simulation::SimDisk& base)
    : disk_(base.copy(1)),
      names_(*disk_, descriptors_, [](std::string_view, uint64_t, uint64_t, uint64_t, int64_t) {}) {
    disk_->lose_power({.data = simulation::Fate::kept, .names = simulation::Fate::kept});
}

std::vector<Model::InFlight> Model::writes_in_flight() const {
    std::vector<InFlight> writes;
    for (const auto& [operation, submitted] : submitted_) {
        if (submitted.write) {
            writes.push_back({.inode = submitted.inode->number,
                              .position = submitted.position,
                              .bytes = submitted.bytes});
        }
    }
    return writes;
}

void Model::apply_name(const Event& event) {
    Result<void> done;
    switch (event.kind) {
        case EventKind::open: {
            auto opened = names_.open(event.path, {.create = event.create, .write = true});
            RL_ASSERT(opened.has_value(), "{}", event.path);
            if (event.descriptor >= 0) {
                inodes_[event.descriptor] = descriptors_.file(opened->descriptor)->inode;
            }
            names_.close(opened->descriptor);
            return;
        }
        case EventKind::make_directory: done = names_.make_directory(event.path); break;
        case EventKind::rename: done = names_.rename(event.path, event.target); break;
        case EventKind::remove: done = names_.remove(event.path); break;
        case EventKind::sync_directory:
            done = lies_.names ? done : names_.sync_directory(event.path);
            break;
        default: break;
    }
    RL_ASSERT(done.has_value(), "{}: {}", describe(event), describe(done.error()));
}

void Model::apply_completion(const Event& event) {
    const auto found = submitted_.find(event.operation);
    RL_ASSERT(found != submitted_.end(), "{}", describe(event));
    const Submitted& ended = found->second;
    if (event.kind == EventKind::flush_completed) {
        if (event.result >= 0 && !lies_.syncs) {
            ended.inode->file.make_durable(ended.sync_to);
        }
    } else {
        // What was reported is there; of the rest, nobody knows.
        simulation::SimFile& file = ended.inode->file;
        const uint64_t moved = event.result > 0 ? static_cast<uint64_t>(event.result) : 0;
        if (!ended.flushed || lies_.writes || moved < ended.bytes.size()) {
            file.write(ended.position, ended.bytes);
        }
        if (ended.flushed && !lies_.writes) {
            file.write_durably(ended.position, ByteView(ended.bytes).first(moved));
        }
    }
    submitted_.erase(found);
}

void Model::apply(const Event& event) {
    switch (event.kind) {
        case EventKind::close: inodes_.erase(event.descriptor); break;
        case EventKind::sync_file_system:
            if (!lies_.syncs) {
                disk_->visit(disk_->root(), [](const InodePtr& inode) {
                    if (inode->is_directory) {
                        inode->directory.make_durable();
                    } else {
                        inode->file.make_durable(inode->file.mark());
                    }
                });
            }
            break;
        case EventKind::file_write:
            inode(event.descriptor)->file.write(event.position, event.bytes);
            break;
        case EventKind::file_sync: {
            simulation::SimFile& file = inode(event.descriptor)->file;
            if (!lies_.syncs) {
                file.make_durable(file.mark());
            }
            break;
        }
        case EventKind::prewrite_begun: {
            simulation::SimFile& file = inode(event.descriptor)->file;
            std::vector<std::byte> there(event.length);
            file.read(there, event.position);
            file.preallocate(event.position, event.position + event.length);
            if (std::ranges::any_of(there, [](std::byte b) { return b != std::byte{0}; })) {
                file.write(event.position, std::vector<std::byte>(event.length));
            }
            break;
        }
        case EventKind::prewrite_done:
            inode(event.descriptor)->file.prewrite(event.position, event.position + event.length);
            break;
        case EventKind::preallocate:
            inode(event.descriptor)
                ->file.preallocate(event.position, event.position + event.length);
            break;
        case EventKind::truncate: inode(event.descriptor)->file.truncate(event.length); break;
        case EventKind::write_submitted: {
            submitted_[event.operation] = {.inode = inode(event.descriptor),
                                           .write = true,
                                           .position = event.position,
                                           .bytes = event.bytes,
                                           .flushed = event.flushed};
            break;
        }
        case EventKind::flush_submitted:
            submitted_[event.operation] = {.inode = inode(event.descriptor),
                                           .sync_to = inode(event.descriptor)->file.mark()};
            break;
        case EventKind::write_completed:
        case EventKind::flush_completed: apply_completion(event); break;
        default: apply_name(event); break;
    }
}

}  // namespace ringlog::crash
