#include "tests/simulation/sim_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/checksum.h"

namespace ringlog::simulation {
namespace {

/// The part of [position, position + length) that lies in the unit of `unit_bytes` that `at` lies
/// in.
uint64_t part_in_unit(uint64_t at, uint64_t end, uint64_t unit_bytes) {
    return std::min(end, (at / unit_bytes + 1) * unit_bytes) - at;
}

}  // namespace

uint64_t SimFile::would_allocate_bytes(uint64_t position, uint64_t length) const {
    uint64_t blocks = 0;
    for (uint64_t at = position; at < position + length;
         at += part_in_unit(at, position + length, kExtentBytes)) {
        blocks += extent(at / kExtentBytes) == Extent::hole ? 1 : 0;
    }
    return blocks * kExtentBytes;
}

uint64_t SimFile::read(Bytes to, uint64_t position) const {
    if (position >= size_) {
        return 0;
    }
    const uint64_t end = std::min(size_, position + to.size());
    for (uint64_t at = position; at < end;) {
        const uint64_t part = part_in_unit(at, end, kExtentBytes);
        std::byte* target = to.data() + (at - position);
        const auto found = pages_.find(at / kExtentBytes);
        if (found == pages_.end()) {
            std::memset(target, 0, part);
        } else {
            std::memcpy(target, found->second.current->bytes.data() + (at % kExtentBytes), part);
        }
        at += part;
    }
    return end - position;
}

bool SimFile::has_bad_sector(uint64_t position, uint64_t length) const {
    const auto found = bad_sectors_.lower_bound(position / kSectorBytes);
    return length > 0 && found != bad_sectors_.end() &&
           *found <= (position + length - 1) / kSectorBytes;
}

void SimFile::write(uint64_t position, ByteView bytes) {
    if (bytes.empty()) {
        return;
    }
    land(position, bytes);
    const uint64_t last = (position + bytes.size() - 1) / kSectorBytes;
    for (uint64_t sector = position / kSectorBytes; sector <= last; ++sector) {
        add_version(sector);
    }
}

void SimFile::write_durably(uint64_t position, ByteView bytes) {
    if (bytes.empty()) {
        return;
    }
    land(position, bytes);
    const bool truncated = std::ranges::any_of(
        changes_, [](const Change& change) { return change.kind == Change::Kind::truncate; });
    if (truncated) {
        apply_changes(mark_);
    }
    const uint64_t end = position + bytes.size();
    durable_size_ = std::max(durable_size_, end);
    for (uint64_t at = position; at < end; at += part_in_unit(at, end, kExtentBytes)) {
        set_durable_extent(at / kExtentBytes, Extent::written);
    }
    std::erase_if(changes_, [&](const Change& change) {
        const bool covered_extent = change.kind == Change::Kind::extent &&
                                    change.value >= position / kExtentBytes &&
                                    change.value <= (end - 1) / kExtentBytes;
        const bool covered_size =
            change.kind == Change::Kind::grow && change.value <= durable_size_;
        return covered_extent || covered_size;
    });
    for (uint64_t sector = position / kSectorBytes; sector <= (end - 1) / kSectorBytes; ++sector) {
        settle_sector(sector, current_sector(sector));
        pending_.erase(sector);
    }
    for (uint64_t at = position; at < end; at += part_in_unit(at, end, kExtentBytes)) {
        drop_equal_copy(at / kExtentBytes);
    }
}

void SimFile::prewrite(uint64_t from, uint64_t to) {
    ++mark_;
    const std::vector<std::byte> zeros(kExtentBytes);
    for (uint64_t at = from; at < to;) {
        const uint64_t part = part_in_unit(at, to, kExtentBytes);
        const uint64_t block = at / kExtentBytes;
        if (part < kExtentBytes || pages_.contains(block)) {
            write(at, ByteView(zeros).first(part));
        } else if (extent(block) != Extent::written) {
            set_extent(block, Extent::written);  // no page: zeros, now and on the disk
        }
        at += part;
    }
    grow(to);
    make_durable(mark_);
}

void SimFile::make_durable(Mark mark) {
    apply_changes(mark);
    uint64_t touched_block = UINT64_MAX;
    for (auto it = pending_.begin(); it != pending_.end();) {
        std::vector<Version>& versions = it->second;
        const auto newer = std::ranges::find_if(
            versions, [&](const Version& version) { return version.mark > mark; });
        if (newer == versions.begin()) {
            ++it;
            continue;
        }
        settle_sector(it->first, std::prev(newer)->bytes);
        versions.erase(versions.begin(), newer);
        const uint64_t block = it->first * kSectorBytes / kExtentBytes;
        it = versions.empty() ? pending_.erase(it) : std::next(it);
        if (touched_block != block && touched_block != UINT64_MAX) {
            drop_equal_copy(touched_block);
        }
        touched_block = block;
    }
    if (touched_block != UINT64_MAX) {
        drop_equal_copy(touched_block);
    }
}

void SimFile::forget_pending(Random& random) {
    for (auto& [sector, versions] : pending_) {
        if (random.chance(1, 2) &&
            durable_extent(sector * kSectorBytes / kExtentBytes) == Extent::written) {
            settle_sector(sector, versions.back().bytes);
        }
    }
    pending_.clear();
}

void SimFile::preallocate(uint64_t from, uint64_t to) {
    ++mark_;
    for (uint64_t block = from / kExtentBytes; block * kExtentBytes < to; ++block) {
        if (extent(block) == Extent::hole) {
            set_extent(block, Extent::unwritten);
        }
    }
    grow(to);
}

void SimFile::truncate(uint64_t size_bytes) {
    ++mark_;
    if (size_bytes >= size_) {
        grow(size_bytes);
        return;
    }
    changes_.push_back({.mark = mark_, .kind = Change::Kind::truncate, .value = size_bytes});
    const uint64_t old_size = std::exchange(size_, size_bytes);
    const uint64_t first_gone = round_up(size_bytes, kExtentBytes) / kExtentBytes;
    for (uint64_t block = first_gone; block < extents_.size(); ++block) {
        allocated_blocks_ -= extents_[block] == Extent::hole ? 0 : 1;
    }
    extents_.resize(std::min<uint64_t>(extents_.size(), first_gone));
    for (auto it = pages_.lower_bound(size_bytes / kExtentBytes); it != pages_.end(); ++it) {
        keep_durable(it->first);
        const uint64_t start = it->first * kExtentBytes;
        const uint64_t keep = start < size_bytes ? size_bytes - start : 0;
        std::memset(writable(it->second.current) + keep, 0, kExtentBytes - keep);
    }
    // The rest of the block that the cut goes through is zeroed as a write is: the zeros may be
    // there although the cut is not.
    if (size_bytes % kExtentBytes != 0 && pages_.contains(size_bytes / kExtentBytes)) {
        const uint64_t end = std::min(round_up(size_bytes, kExtentBytes), old_size);
        for (uint64_t sector = size_bytes / kSectorBytes; sector * kSectorBytes < end; ++sector) {
            add_version(sector);
        }
    }
}

void SimFile::lose_power(const PowerLoss& how, Choices& choices) {
    if (how.data == Fate::kept) {
        make_durable(mark_);
    } else if (how.data == Fate::random && !is_durable()) {
        choose_writeback(choices);
        choose_blocks(choices);
        choose_sectors(how, choices);
    }
    revert_to_durable();
}

void SimFile::choose_writeback(Choices& choices) {
    if (choices.below(2, Choices::About::writeback) == 0) {
        return;
    }
    // The kernel wrote back on its own at some moment: as a sync would have then.
    std::set<Mark> moments;
    for (const Change& change : changes_) {
        moments.insert(change.mark);
    }
    for (const auto& [sector, versions] : pending_) {
        for (const Version& version : versions) {
            moments.insert(version.mark);
        }
    }
    const uint64_t choice = choices.below(moments.size(), Choices::About::writeback);
    make_durable(*std::next(moments.begin(), static_cast<ptrdiff_t>(choice)));
}

void SimFile::choose_blocks(Choices& choices) {
    // New blocks reach the disk one by one, in any order, and the size may count those that do not.
    std::vector<uint64_t> sizes = {durable_size_};
    std::set<uint64_t> blocks;
    for (const Change& change : changes_) {
        if (change.kind == Change::Kind::truncate) {
            break;
        }
        if (change.kind == Change::Kind::grow) {
            sizes.push_back(change.value);
        } else if (change.extent == Extent::written &&
                   durable_extent(change.value) != Extent::written) {
            blocks.insert(change.value);
        }
    }
    if (sizes.size() > 1) {
        durable_size_ =
            std::max(durable_size_, sizes[choices.below(sizes.size(), Choices::About::writeback)]);
    }
    for (const uint64_t block : blocks) {
        std::set<Mark> moments;
        const auto end = pending_.lower_bound((block + 1) * kExtentBytes / kSectorBytes);
        for (auto it = pending_.lower_bound(block * kExtentBytes / kSectorBytes); it != end; ++it) {
            for (const Version& version : it->second) {
                moments.insert(version.mark);
            }
        }
        const bool visible = block * kExtentBytes < durable_size_ && !moments.empty();
        const uint64_t choice =
            visible ? choices.below(moments.size() + 1, Choices::About::writeback) : 0;
        if (choice > 0) {
            set_durable_extent(block, Extent::written);
            settle_block(block, *std::next(moments.begin(), static_cast<ptrdiff_t>(choice) - 1));
        }
    }
}

void SimFile::settle_block(uint64_t block, Mark mark) {
    const uint64_t first = block * kExtentBytes / kSectorBytes;
    for (uint64_t sector = first; sector < first + kExtentBytes / kSectorBytes; ++sector) {
        const auto found = pending_.find(sector);
        if (found == pending_.end()) {
            continue;
        }
        std::vector<Version>& versions = found->second;
        const auto newer = std::ranges::find_if(
            versions, [mark](const Version& version) { return version.mark > mark; });
        if (newer != versions.begin()) {
            settle_sector(sector, std::prev(newer)->bytes);
            versions.erase(versions.begin(), newer);
        }
        if (versions.empty()) {
            pending_.erase(found);
        }
    }
}

void SimFile::flip_bit(uint64_t position, uint32_t bit) {
    std::byte value{};
    RL_ASSERT(read(Bytes(&value, 1), position) == 1, "position {} size {}", position, size_);
    value ^= std::byte{1} << bit;
    overwrite_at_rest(position, ByteView(&value, 1));
}

void SimFile::overwrite_at_rest(uint64_t position, ByteView bytes) {
    RL_ASSERT(position + bytes.size() <= size_);
    for (uint64_t i = 0; i < bytes.size(); ++i) {
        const uint64_t at = position + i;
        pending_.erase(at / kSectorBytes);
        Page& target = page(at / kExtentBytes);
        writable(target.current)[at % kExtentBytes] = bytes[i];
        if (target.durable) {
            writable(target.durable)[at % kExtentBytes] = bytes[i];
        }
    }
}

void SimFile::land(uint64_t position, ByteView bytes) {
    ++mark_;
    const uint64_t end = position + bytes.size();
    for (uint64_t at = position; at < end;) {
        const uint64_t part = part_in_unit(at, end, kExtentBytes);
        const uint64_t block = at / kExtentBytes;
        keep_durable(block);
        std::memcpy(writable(page(block).current) + (at % kExtentBytes),
                    bytes.data() + (at - position), part);
        if (extent(block) != Extent::written) {
            set_extent(block, Extent::written);
        }
        at += part;
    }
    bad_sectors_.erase(bad_sectors_.lower_bound(position / kSectorBytes),
                       bad_sectors_.upper_bound((end - 1) / kSectorBytes));
    grow(end);
}

SimFile::Sector SimFile::current_sector(uint64_t sector) {
    const uint64_t start = sector * kSectorBytes;
    Sector bytes;
    std::memcpy(bytes.data(),
                page(start / kExtentBytes).current->bytes.data() + (start % kExtentBytes),
                kSectorBytes);
    return bytes;
}

const std::byte* SimFile::durable_sector(uint64_t sector) {
    const uint64_t start = sector * kSectorBytes;
    const Page& holder = page(start / kExtentBytes);
    const Block& block = holder.durable ? *holder.durable : *holder.current;
    return block.bytes.data() + start % kExtentBytes;
}

void SimFile::add_version(uint64_t sector) {
    pending_[sector].push_back({.mark = mark_, .bytes = current_sector(sector)});
}

SimFile::Extent SimFile::extent(uint64_t block) const {
    return block < extents_.size() ? extents_[block] : Extent::hole;
}

SimFile::Extent SimFile::durable_extent(uint64_t block) const {
    return block < durable_extents_.size() ? durable_extents_[block] : Extent::hole;
}

void SimFile::set_extent(uint64_t block, Extent extent) {
    if (block >= extents_.size()) {
        extents_.resize(block + 1, Extent::hole);
    }
    allocated_blocks_ += extents_[block] == Extent::hole ? 1 : 0;
    extents_[block] = extent;
    changes_.push_back(
        {.mark = mark_, .kind = Change::Kind::extent, .value = block, .extent = extent});
}

void SimFile::set_durable_extent(uint64_t block, Extent extent) {
    if (block >= durable_extents_.size()) {
        durable_extents_.resize(block + 1, Extent::hole);
    }
    durable_extents_[block] = extent;
}

void SimFile::grow(uint64_t size_bytes) {
    if (size_bytes > size_) {
        size_ = size_bytes;
        changes_.push_back({.mark = mark_, .kind = Change::Kind::grow, .value = size_bytes});
    }
}

void SimFile::apply_changes(Mark mark) {
    const auto newer =
        std::ranges::find_if(changes_, [&](const Change& change) { return change.mark > mark; });
    for (auto it = changes_.begin(); it != newer; ++it) {
        switch (it->kind) {
            case Change::Kind::grow: durable_size_ = std::max(durable_size_, it->value); break;
            case Change::Kind::truncate: apply_truncate(it->value, it->mark); break;
            case Change::Kind::extent: set_durable_extent(it->value, it->extent); break;
        }
    }
    changes_.erase(changes_.begin(), newer);
}

void SimFile::apply_truncate(uint64_t size_bytes, Mark mark) {
    durable_size_ = size_bytes;
    for (auto it = pending_.lower_bound(size_bytes / kSectorBytes); it != pending_.end();) {
        // What was written before the cut, and behind it.
        const uint64_t start = it->first * kSectorBytes;
        const uint64_t keep = start < size_bytes ? size_bytes - start : 0;
        if (keep == 0) {
            std::erase_if(it->second,
                          [mark](const Version& version) { return version.mark < mark; });
        }
        for (Version& version : it->second) {
            if (version.mark < mark) {
                std::memset(version.bytes.data() + keep, 0, kSectorBytes - keep);
            }
        }
        it = it->second.empty() ? pending_.erase(it) : std::next(it);
    }
    durable_extents_.resize(std::min<uint64_t>(durable_extents_.size(),
                                               round_up(size_bytes, kExtentBytes) / kExtentBytes));
    for (auto it = pages_.lower_bound(size_bytes / kExtentBytes); it != pages_.end(); ++it) {
        const uint64_t start = it->first * kExtentBytes;
        const uint64_t keep = start < size_bytes ? size_bytes - start : 0;
        if (it->second.durable) {
            std::memset(writable(it->second.durable) + keep, 0, kExtentBytes - keep);
        }
    }
}

std::byte* SimFile::writable(std::shared_ptr<Block>& block) {
    if (block.use_count() > 1) {
        block = std::make_shared<Block>(*block);
    }
    block->hash = 0;
    return block->bytes.data();
}

void SimFile::keep_durable(uint64_t block) {
    Page& target = page(block);
    if (!target.durable) {
        target.durable = target.current;
    }
}

std::byte* SimFile::durable_bytes(uint64_t block) {
    keep_durable(block);
    return writable(page(block).durable);
}

void SimFile::settle_sector(uint64_t sector, const Sector& bytes) {
    const uint64_t start = sector * kSectorBytes;
    std::memcpy(durable_bytes(start / kExtentBytes) + (start % kExtentBytes), bytes.data(),
                kSectorBytes);
}

void SimFile::drop_equal_copy(uint64_t block) {
    Page& target = page(block);
    if (target.durable == target.current ||
        (target.durable && std::memcmp(target.durable->bytes.data(), target.current->bytes.data(),
                                       kExtentBytes) == 0)) {
        target.durable.reset();
    }
}

uint64_t SimFile::content_hash() const {
    static const uint64_t zeros = xxh3(Block{}.bytes);
    uint64_t hash = size_ * 0x9e3779b97f4a7c15;
    for (const auto& [number, page] : pages_) {
        Block& block = *page.current;
        if (block.hash == 0) {
            block.hash = xxh3(block.bytes);
        }
        if (block.hash != zeros) {
            hash ^= (block.hash + number) * 0xff51afd7ed558ccd;
            hash = std::rotl(hash, 23);
        }
    }
    return hash;
}

void SimFile::choose_sectors(const PowerLoss& how, Choices& choices) {
    std::vector<Mark> marks;
    for (const auto& [sector, versions] : pending_) {
        const uint64_t start = sector * kSectorBytes;
        if (durable_extent(start / kExtentBytes) != Extent::written || start >= durable_size_) {
            continue;
        }
        const std::byte* durable = durable_sector(sector);
        if (std::ranges::all_of(versions, [durable](const Version& version) {
                return std::memcmp(version.bytes.data(), durable, kSectorBytes) == 0;
            })) {
            continue;  // whichever is left, it is the same
        }
        if (how.garbage_per_thousand > 0 &&
            choices.below(1000, Choices::About::garbage) >= 1000 - how.garbage_per_thousand) {
            Sector garbage;
            Random random(sector ^ versions.back().mark << 32U);
            std::ranges::generate(garbage, [&] { return static_cast<std::byte>(random.next()); });
            settle_sector(sector, garbage);
            continue;
        }
        marks.clear();
        for (const Version& version : versions) {
            marks.push_back(version.mark);
        }
        const uint64_t choice = choices.version(sector, marks);
        if (choice > 0) {
            settle_sector(sector, versions[choice - 1].bytes);
        }
    }
}

void SimFile::revert_to_durable() {
    pending_.clear();
    changes_.clear();
    size_ = durable_size_;
    durable_extents_.resize(
        std::min<uint64_t>(durable_extents_.size(), round_up(size_, kExtentBytes) / kExtentBytes));
    extents_ = durable_extents_;
    allocated_blocks_ = static_cast<uint64_t>(
        std::ranges::count_if(extents_, [](Extent extent) { return extent != Extent::hole; }));
    std::erase_if(pages_,
                  [&](const auto& entry) { return extent(entry.first) != Extent::written; });
    for (auto& [block, entry] : pages_) {
        if (entry.durable) {
            entry.current = std::exchange(entry.durable, nullptr);
        }
        const uint64_t end = (block + 1) * kExtentBytes;
        if (end > size_) {
            std::memset(writable(entry.current) + (kExtentBytes - (end - size_)), 0, end - size_);
        }
    }
}

}  // namespace ringlog::simulation
