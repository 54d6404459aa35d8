#include "tests/simulation/sim_disk.h"

#include <algorithm>
#include <cerrno>

#include "base/assert.h"

namespace ringlog::simulation {

std::vector<std::string> split_path(std::string_view path) {
    std::vector<std::string> parts;
    while (!path.empty()) {
        const size_t slash = path.find('/');
        const std::string_view part = path.substr(0, slash);
        if (!part.empty() && part != ".") {
            parts.emplace_back(part);
        }
        path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    }
    return parts;
}

InodePtr SimDirectory::find(const std::string& name) const {
    const auto found = entries_.find(name);
    return found == entries_.end() ? nullptr : found->second;
}

void SimDirectory::apply(const Change& change, std::map<std::string, InodePtr>& to) {
    for (const auto& [name, inode] : change) {
        if (inode) {
            to[name] = inode;
        } else {
            to.erase(name);
        }
    }
}

void SimDirectory::change(Change names) {
    apply(names, entries_);
    changes_.push_back(std::move(names));
}

void SimDirectory::make_durable() {
    durable_ = entries_;
    changes_.clear();
}

void SimDirectory::lose_power(Fate names, Choices& choices) {
    uint64_t kept = names == Fate::kept ? changes_.size() : 0;
    if (names == Fate::random && !changes_.empty() &&
        choices.below(2, Choices::About::names) == 1) {
        kept = 1 + choices.below(changes_.size(), Choices::About::names);
    }
    for (uint64_t i = 0; i < kept; ++i) {
        apply(changes_[i], durable_);
    }
    entries_ = durable_;
    changes_.clear();
}

void SimDirectory::repoint(const std::function<InodePtr(const InodePtr&)>& copy_of) {
    for (auto* names : {&entries_, &durable_}) {
        for (auto& [name, inode] : *names) {
            inode = copy_of(inode);
        }
    }
    for (Change& change : changes_) {
        for (auto& [name, inode] : change) {
            inode = inode ? copy_of(inode) : nullptr;
        }
    }
}

SimDisk::SimDisk(uint64_t seed, DiskOptions options)
    : options_(options), random_(seed), latency_(random_.fork()), root_(make_inode(true)) {}

std::shared_ptr<FaultPlan> SimDisk::arm(DiskFault fault) {
    plan_ = std::make_shared<FaultPlan>(fault);
    return plan_;
}

DiskEffect SimDisk::begin(DiskOps kind) {
    ++activity_;
    constexpr DiskOps kOfACore = kReads | kWrites | kFlushes;
    const bool of_a_call = (kind & kOfACore) == 0;
    if (crash_ != DiskEffect::none || (of_a_call && call_hangs_)) {
        return DiskEffect::error;
    }
    DiskEffect effect = plan_ ? plan_->next(kind) : DiskEffect::none;
    if (effect == DiskEffect::none) {
        effect = rates_.draw(kind, random_);
    }
    if (effect == DiskEffect::kill || effect == DiskEffect::power_loss) {
        crash_ = effect;
    }
    call_hangs_ |= of_a_call && effect == DiskEffect::hang;
    ++effect_counts_[static_cast<size_t>(effect)];
    return effect;
}

int64_t SimDisk::draw_latency(bool flush) {
    int64_t ns = options_.operation_ns + extra_ns_ + (flush ? options_.flush_ns : 0) +
                 static_cast<int64_t>(latency_.below(static_cast<uint64_t>(options_.jitter_ns)));
    if (rates_.slow > 0 && latency_.chance(rates_.slow, 1'000'000)) {
        ns *= 100;
        ++slow_count_;
    }
    return ns;
}

Result<uint64_t> SimDisk::land_torn(SimFile& file, uint64_t position, ByteView bytes) {
    for (uint64_t at = 0; at < bytes.size(); at += kSectorBytes) {
        if (random_.chance(1, 2)) {
            file.write(position + at, bytes.subspan(at, std::min(kSectorBytes, bytes.size() - at)));
        }
    }
    return fail(Errc::io_failed, EIO, static_cast<int64_t>(position));
}

Result<uint64_t> SimDisk::land_write(const InodePtr& inode, uint64_t position, ByteView bytes,
                                     bool durably, DiskEffect effect) {
    ++activity_;
    SimFile& file = inode->file;
    std::vector<std::byte> changed;
    switch (effect) {
        case DiskEffect::error:
        case DiskEffect::hang: return fail(Errc::io_failed, EIO, static_cast<int64_t>(position));
        case DiskEffect::torn:
        case DiskEffect::kill:
        case DiskEffect::power_loss: return land_torn(file, position, bytes);
        case DiskEffect::no_space: return fail(Errc::no_space, ENOSPC);
        case DiskEffect::lost: return bytes.size();
        case DiskEffect::short_io:
            if (bytes.size() > kSectorBytes) {
                bytes = bytes.first((1 + random_.below((bytes.size() - 1) / kSectorBytes)) *
                                    kSectorBytes);
            }
            break;
        case DiskEffect::misdirected:
            if (file.size_bytes() >= bytes.size()) {
                position = round_down(random_.below(file.size_bytes() - bytes.size() + 1),
                                      options_.block_bytes);
            }
            break;
        case DiskEffect::corrupt:
            changed.assign(bytes.begin(), bytes.end());
            if (!changed.empty()) {
                changed[random_.below(changed.size())] ^= std::byte{1} << random_.below(8);
            }
            bytes = changed;
            break;
        case DiskEffect::none: break;
    }
    if (!has_room_for(file.would_allocate_bytes(position, bytes.size()))) {
        return fail(Errc::no_space, ENOSPC);
    }
    write_to(inode, position, bytes, durably);
    return bytes.size();
}

void SimDisk::write_to(const InodePtr& inode, uint64_t position, ByteView bytes, bool durably) {
    if (durably) {
        inode->file.write_durably(position, bytes);
    } else {
        inode->file.write(position, bytes);
    }
    if (on_landed_) {
        on_landed_(*inode, position, bytes, durably);
    }
}

Result<void> SimDisk::land_sync(const InodePtr& inode, Mark mark, DiskEffect effect) {
    ++activity_;
    switch (effect) {
        case DiskEffect::lost: return {};
        case DiskEffect::error:
        case DiskEffect::torn: inode->file.forget_pending(random_); [[fallthrough]];
        case DiskEffect::hang:
        case DiskEffect::kill:
        case DiskEffect::power_loss: return fail(Errc::io_failed, EIO);
        case DiskEffect::none:
        case DiskEffect::no_space:
        case DiskEffect::short_io:
        case DiskEffect::misdirected:
        case DiskEffect::corrupt: break;
    }
    inode->file.make_durable(mark);
    return {};
}

bool SimDisk::has_room_for(uint64_t bytes) const {
    if (options_.capacity_bytes == UINT64_MAX || bytes == 0) {
        return true;
    }
    const uint64_t used = used_bytes();
    return used <= options_.capacity_bytes && bytes <= options_.capacity_bytes - used;
}

uint64_t SimDisk::used_bytes() const {
    uint64_t used = 0;
    visit(root_, [&](const InodePtr& inode) { used += inode->file.allocated_bytes(); });
    return used;
}

InodePtr SimDisk::make_inode(bool directory) {
    auto inode = std::make_shared<Inode>();
    inode->number = next_inode_++;
    inode->is_directory = directory;
    return inode;
}

InodePtr SimDisk::find(std::string_view path) const {
    InodePtr at = root_;
    for (const std::string& part : split_path(path)) {
        if (!at->is_directory) {
            return nullptr;
        }
        at = at->directory.find(part);
        if (!at) {
            return nullptr;
        }
    }
    return at;
}

void SimDisk::visit(const InodePtr& from, const std::function<void(const InodePtr&)>& each) const {
    each(from);
    for (const auto& [name, inode] : from->directory.entries()) {
        visit(inode, each);
    }
}

uint64_t SimDisk::add_late_write(InodePtr inode, uint64_t position, ByteView bytes, bool durably) {
    const uint64_t id = next_late_++;
    late_.emplace(id, LateWrite{std::move(inode), position, {bytes.begin(), bytes.end()}, durably});
    return id;
}

void SimDisk::land_late_write(uint64_t id) {
    ++activity_;
    const auto found = late_.find(id);
    if (found == late_.end()) {
        return;
    }
    const LateWrite late = std::move(found->second);
    late_.erase(found);
    if (!has_room_for(late.inode->file.would_allocate_bytes(late.position, late.bytes.size()))) {
        return;
    }
    write_to(late.inode, late.position, late.bytes, late.durably);
}

void SimDisk::land_late_writes_of(const Inode& inode) {
    std::vector<uint64_t> ids;
    for (const auto& [id, late] : late_) {
        if (late.inode.get() == &inode) {
            ids.push_back(id);
        }
    }
    while (!ids.empty()) {
        const uint64_t choice = random_.below(ids.size());
        land_late_write(ids[choice]);
        ids.erase(ids.begin() + static_cast<ptrdiff_t>(choice));
    }
}

void SimDisk::process_died() {
    crash_ = DiskEffect::none;
    call_hangs_ = false;
}

void SimDisk::lose_power(const PowerLoss& how) {
    RandomChoices choices(random_);
    lose_power(how, choices);
}

void SimDisk::lose_power(const PowerLoss& how, Choices& choices) {
    // What was still under way is as if it had just arrived, not durable: each sector may be there
    // or not.
    for (auto& [id, late] : std::exchange(late_, {})) {
        late.inode->file.write(late.position, late.bytes);
    }
    visit(root_, [&](const InodePtr& inode) {
        if (inode->is_directory) {
            choices.begin(inode->number);
            inode->directory.lose_power(how.names, choices);
        }
    });
    visit(root_, [&](const InodePtr& inode) {
        if (!inode->is_directory) {
            choices.begin(inode->number);
            inode->file.lose_power(how, choices);
        }
    });
}

std::unique_ptr<SimDisk> SimDisk::copy(uint64_t seed) const {
    auto copied = std::make_unique<SimDisk>(seed, options_);
    std::map<uint64_t, InodePtr> copies;
    const std::function<InodePtr(const InodePtr&)> copy_of = [&](const InodePtr& inode) {
        InodePtr& known = copies[inode->number];
        if (!known) {
            InodePtr made = std::make_shared<Inode>(*inode);
            known = made;
            made->directory.repoint(copy_of);
            return made;
        }
        return known;
    };
    copied->root_ = copy_of(root_);
    copied->next_inode_ = next_inode_;
    for (const auto& [id, late] : late_) {
        copied->add_late_write(copy_of(late.inode), late.position, late.bytes, late.durably);
    }
    return copied;
}

InodePtr SimDisk::find_inode(uint64_t number) const {
    InodePtr found;
    visit(root_, [&](const InodePtr& inode) {
        if (inode->number == number) {
            found = inode;
        }
    });
    return found;
}

std::vector<std::byte> SimDisk::read_all(std::string_view path) const {
    const InodePtr inode = find(path);
    RL_ASSERT(inode && !inode->is_directory, "{}", path);
    std::vector<std::byte> bytes(inode->file.size_bytes());
    inode->file.read(bytes, 0);
    return bytes;
}

std::vector<std::string> SimDisk::list_tree() const {
    std::vector<std::string> paths;
    const std::function<void(const Inode&, const std::string&)> walk = [&](const Inode& inode,
                                                                           const std::string& at) {
        for (const auto& [name, child] : inode.directory.entries()) {
            const std::string path = at + "/" + name;
            paths.push_back(child->is_directory ? path + "/" : path);
            walk(*child, path);
        }
    };
    walk(*root_, "");
    return paths;
}

SimFile& SimDisk::file(std::string_view path) {
    const InodePtr inode = find(path);
    RL_ASSERT(inode && !inode->is_directory, "{}", path);
    return inode->file;
}

}  // namespace ringlog::simulation
