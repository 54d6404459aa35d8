// One request of a connection, from its first byte to the last byte of its answer. Lives on the
// connection's core, but for the parts of a produce that other cores own for a while. Explained in
// docs/data_path.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/intrusive_list.h"
#include "base/uuid.h"
#include "engine/partition.h"
#include "io/reactor.h"
#include "kafka/error_code.h"
#include "kafka/message.h"
#include "kafka/produce.h"

namespace ringlog::broker {

class BrokerCore;
class Connection;
struct Request;

/// One partition of a produce request: goes to the core that owns the partition and comes back with
/// what became of it. The batch stays in the request's bytes; the owner changes it in place.
class ProducePart final : public io::Message {
public:
    /// On the owner's core: begins the append. At home: hands the outcome to the request.
    void deliver(io::Reactor& here) override;

    Request* request = nullptr;
    BrokerCore* owner = nullptr;
    Uuid topic_id;
    int32_t partition = 0;
    int16_t acks = 0;
    bool arrived = false;   ///< Home's: the outcome below is here.
    bool appended = false;  ///< The owner's: it is on its way home.
    Bytes batch;

    kafka::ErrorCode error = kafka::ErrorCode::none;
    std::string_view message;  ///< For people; empty: none. Lives as long as the broker.
    int64_t base_offset = -1;
    WallMs log_append_time = -1;
    int64_t log_start_offset = -1;
};

enum class RequestState : uint8_t {
    waiting,  ///< Complete, behind a barrier.
    running,
    answered,  ///< `answer` waits for its turn to be sent; nothing if `silent`.
};

struct Request : ListNode {
    explicit Request(BrokerCore& c) : core(c) {}

    BrokerCore& core;
    Connection* connection = nullptr;  ///< Null once the connection is done with it.
    std::unique_ptr<std::byte[]> bytes;
    uint32_t capacity = 0;
    uint32_t size = 0;  ///< Of the frame, without its length field.
    uint32_t filled = 0;
    int64_t named_bytes = 0;  ///< Taken of the core's named_bytes().
    RequestState state = RequestState::waiting;
    bool silent = false;       ///< acks=0: no answer.
    bool close_after = false;  ///< The connection ends when everything before was sent.
    MonotonicNs received_ns = 0;

    kafka::HeaderStatus header_status = kafka::HeaderStatus::malformed;
    kafka::RequestHeader header;
    kafka::Reader body{ByteView{}};

    kafka::Writer answer;
    std::vector<engine::ReadData>
        data;  ///< What goes into the answer's gaps, in order. Pinned until it is sent.

    // Produce only.
    std::vector<std::unique_ptr<ProducePart>>
        parts;  ///< Kept for reuse; the first part_count are in use.
    uint32_t part_count = 0;
    uint32_t parts_pending = 0;  ///< Not yet arrived.
    /// Of each partition that the request names, in order: it is named again, and the last one
    /// counts. Empty: none is.
    std::vector<bool> superseded;
    kafka::ProduceRequest produce;
    MonotonicNs deadline_ns = INT64_MAX;

    /// Place in the core's line of produces that wait.
    struct Waiting : ListNode {
        Request* request = nullptr;
    } waiting_node;

    [[nodiscard]] Bytes content() { return {bytes.get(), size}; }
};

}  // namespace ringlog::broker
