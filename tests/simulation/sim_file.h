// The content of one simulated file: what a reader sees now, and what a power loss would leave of
// it. Sectors of 512 bytes are whole or not there; blocks of 4 KiB are holes, reserved but
// unwritten, or written. The rules are those that were seen of ext4 and XFS;
// tests/simulation/README.md lists them. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "tests/simulation/choices.h"

namespace ringlog::simulation {

constexpr uint64_t kSectorBytes = 512;
constexpr uint64_t kExtentBytes = 4096;

/// Counts what changed a file. A sync covers every change up to the mark that was the newest when
/// it was submitted.
using Mark = uint64_t;

/// What becomes of something that is not durable when the power goes.
enum class Fate : uint8_t { random, lost, kept };

/// How a power loss treats what was not durable.
struct PowerLoss {
    Fate data = Fate::random;  ///< Unsynced bytes and sizes; random: each sector for itself.
    Fate names =
        Fate::random;  ///< Unsynced directory changes; random: a prefix of each directory's.
    uint32_t garbage_per_thousand =
        0;  ///< Of the sectors with unsynced bytes: neither old nor new.
};

class SimFile {
public:
    [[nodiscard]] uint64_t size_bytes() const { return size_; }
    /// Blocks that are reserved or written.
    [[nodiscard]] uint64_t allocated_bytes() const { return allocated_blocks_ * kExtentBytes; }
    /// How much allocated_bytes() would grow by a write or a reservation of the range.
    [[nodiscard]] uint64_t would_allocate_bytes(uint64_t position, uint64_t length) const;
    /// The newest change.
    [[nodiscard]] Mark mark() const { return mark_; }
    /// Of the size and of what a reader sees now; zeros and holes hash alike.
    [[nodiscard]] uint64_t content_hash() const;
    /// Nothing is lost if the power goes now.
    [[nodiscard]] bool is_durable() const { return pending_.empty() && changes_.empty(); }

    /// Copies what is there; the count, short at the end of the file.
    uint64_t read(Bytes to, uint64_t position) const;
    /// True if a sector of the range cannot be read.
    [[nodiscard]] bool has_bad_sector(uint64_t position, uint64_t length) const;

    /// Readable at once, not durable.
    void write(uint64_t position, ByteView bytes);
    /// Readable and durable at once (RWF_DSYNC): these bytes, and as much of the size and extents
    /// as they need.
    void write_durably(uint64_t position, ByteView bytes);
    /// Writes zeros and makes everything durable; cheap where nothing was written before.
    void prewrite(uint64_t from, uint64_t to);
    /// Makes everything up to `mark` durable.
    void make_durable(Mark mark);
    /// A failed flush: what was not durable never will be by a later flush; it stays readable until
    /// the power goes.
    void forget_pending(Random& random);

    /// Reserves the blocks of [from, to); the file grows to `to`. Not durable.
    void preallocate(uint64_t from, uint64_t to);
    /// Cuts or grows (with a hole). Not durable.
    void truncate(uint64_t size_bytes);
    /// Decides what is left, by `how`: after it the file is durable.
    void lose_power(const PowerLoss& how, Choices& choices);

    // Damage at rest: it changes what is durable and what is read, whatever was pending.
    void flip_bit(uint64_t position, uint32_t bit);
    void overwrite_at_rest(uint64_t position, ByteView bytes);
    /// Reads of this sector fail until it is written again.
    void make_sector_bad(uint64_t position) { bad_sectors_.insert(position / kSectorBytes); }

private:
    enum class Extent : uint8_t { hole, unwritten, written };
    using Sector = std::array<std::byte, kSectorBytes>;
    struct Block {
        std::array<std::byte, kExtentBytes> bytes{};
        uint64_t hash = 0;  ///< Of the bytes; 0 until somebody asks.
    };
    /// Copies of a file share its blocks until one of them is written.
    struct Page {
        std::shared_ptr<Block> current = std::make_shared<Block>();
        std::shared_ptr<Block> durable;  ///< Null: the same as current.
    };
    struct Version {
        Mark mark;
        Sector bytes;
    };
    /// A change of metadata that is not durable.
    struct Change {
        enum class Kind : uint8_t { grow, truncate, extent };
        Mark mark;
        Kind kind;
        uint64_t value;  ///< A size, or the number of a block.
        Extent extent = Extent::hole;
    };

    void land(uint64_t position, ByteView bytes);
    Sector current_sector(uint64_t sector);
    const std::byte* durable_sector(uint64_t sector);
    /// What the sector holds now may be what is left of it.
    void add_version(uint64_t sector);
    void set_extent(uint64_t block, Extent extent);
    [[nodiscard]] Extent extent(uint64_t block) const;
    [[nodiscard]] Extent durable_extent(uint64_t block) const;
    void set_durable_extent(uint64_t block, Extent extent);
    void grow(uint64_t size_bytes);
    void apply_changes(Mark mark);
    void apply_truncate(uint64_t size_bytes, Mark mark);
    Page& page(uint64_t block) { return pages_[block]; }
    /// To write to: no copy of the file sees it.
    static std::byte* writable(std::shared_ptr<Block>& block);
    /// To write to; the block's durable bytes are its own then.
    std::byte* durable_bytes(uint64_t block);
    /// From then on, what becomes of current leaves durable as it is.
    void keep_durable(uint64_t block);
    void settle_sector(uint64_t sector, const Sector& bytes);
    void drop_equal_copy(uint64_t block);
    void choose_writeback(Choices& choices);
    void choose_blocks(Choices& choices);
    void settle_block(uint64_t block, Mark mark);
    void choose_sectors(const PowerLoss& how, Choices& choices);
    void revert_to_durable();

    Mark mark_ = 0;
    uint64_t size_ = 0;
    uint64_t durable_size_ = 0;
    uint64_t allocated_blocks_ = 0;
    std::map<uint64_t, Page> pages_;  ///< By block; one that is missing is zeros.
    std::vector<Extent> extents_;
    std::vector<Extent> durable_extents_;
    std::map<uint64_t, std::vector<Version>> pending_;  ///< By sector, oldest first.
    std::vector<Change> changes_;                       ///< Oldest first.
    std::set<uint64_t> bad_sectors_;
};

}  // namespace ringlog::simulation
