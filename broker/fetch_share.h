// What one fetch asks of the partitions of one core: looked at, waited for and read on that core,
// in one message each way. Explained in docs/data_path.md, "Fetch".
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "broker/fetch_session.h"
#include "engine/partition.h"
#include "io/event.h"
#include "io/mesh.h"
#include "io/reactor.h"
#include "io/task.h"
#include "kafka/error_code.h"

namespace ringlog::broker {

/// What a client hears of a read that failed: a file that is not there is a fault of the storage.
inline kafka::ErrorCode read_error_code(Errc code) {
    return code == Errc::not_found ? kafka::ErrorCode::kafka_storage_error
                                   : kafka::to_error_code(code);
}

class BrokerCore;

/// One partition of a fetch. Belongs to the fetch; the owner's core has it while a call there runs.
struct FetchItem {
    std::string_view topic;
    Uuid topic_id;
    int32_t partition = 0;
    int32_t leader_epoch = -1;  ///< What the client believes; -1: unknown.
    int64_t offset = 0;
    uint32_t max_bytes = 0;
    FetchSession::Partitions::iterator place;  ///< In its session, if there is one.

    // Looked at.
    kafka::ErrorCode error = kafka::ErrorCode::none;
    int64_t high_watermark = -1;
    int64_t log_start_offset = -1;
    uint64_t available = 0;
    // To read.
    uint64_t read_bytes = 0;  ///< At most; 0: nothing.
    bool read_whole = false;  ///< At least one batch, whatever its size.
    engine::ReadData data;
};

/// How much a fetch wants at least, and may get at most.
struct FetchBounds {
    uint64_t min_bytes = 1;
    uint64_t max_bytes = 0;
};

/// The items of one fetch that live on one core.
class FetchShare {
public:
    FetchShare(io::Reactor& home, BrokerCore& owner) : home_(home), owner_(owner) {}
    FetchShare(const FetchShare&) = delete;
    FetchShare& operator=(const FetchShare&) = delete;

    void add(FetchItem& item) { items_.push_back(&item); }
    BrokerCore& owner() { return owner_; }
    /// What the last look() found.
    [[nodiscard]] uint64_t last_available() const { return last_available_; }

    struct Look {
        uint64_t available = 0;  ///< Bytes that may be read now.
        bool failed = false;     ///< An item has an error: the fetch is answered at once.
        bool read = false;
    };
    /// Fills in what every item has now. If the share is the fetch's only one (`alone`) and that is
    /// enough, reads at once.
    io::Task<Look> look(FetchBounds bounds, bool alone);
    /// Reads what allot() said.
    io::Task<bool> read();
    /// Waits until at least `needed` bytes are there, an item has an error, or cancel(). One at a
    /// time.
    io::Task<bool> wait(uint64_t needed);
    /// Ends a wait().
    io::Task<bool> cancel();

private:
    /// Resumes wait_there() when a partition's high watermark moves.
    struct Listening final : engine::HighWatermarkListener {
        io::Event* changed = nullptr;
        void on_high_watermark() override { changed->notify_all(); }
    };

    // On the owner's core.
    void look_at(FetchItem& item, Look& sum);
    /// All items as they are now, without a wait between them.
    Look examine();
    io::Task<Look> look_there(FetchBounds bounds, bool alone);
    io::Task<bool> read_there();
    io::Task<bool> wait_there(uint64_t needed);
    io::Task<bool> cancel_there();

    io::Reactor& home_;
    BrokerCore& owner_;
    std::vector<FetchItem*> items_;
    uint64_t last_available_ = 0;
    // The owner's, while wait_there() runs.
    io::Event* waiting_ = nullptr;
    bool cancelled_ = false;
};

/// Bytes that each item may read, in order of the request: the first that has data gets at least
/// one batch.
void allot(std::span<FetchItem* const> items, uint64_t max_bytes);

}  // namespace ringlog::broker
