// One client connection of one core: frames in, requests in order, answers in order. Explained in
// docs/data_path.md.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/intrusive_list.h"
#include "broker/request.h"
#include "io/event.h"
#include "io/socket.h"
#include "io/task.h"

namespace ringlog::broker {

/// Limits of one connection. Beyond the first two, receiving stops until answers have left.
constexpr uint32_t kRequestsPerConnection = 64;
constexpr uint64_t kRequestBytesPerConnection = 32 << 20;
/// Bytes that one send hands to the kernel, and how long it may take: a reader slower than that is
/// gone.
constexpr uint64_t kSendBytes = 512 << 10;
constexpr int64_t kSendNs = 30 * kSecondNs;
/// How long a frame may take to arrive while other connections wait for the bytes that its size
/// has taken of the core's.
constexpr int64_t kFrameNs = 10 * kSecondNs;

/// A produce may start while earlier produces are unanswered; every other request waits until
/// everything before it was answered, and everything behind it waits for its answer. Answers leave
/// in the order of the requests.
class Connection final : public ListNode, private io::Receiver {
public:
    Connection(BrokerCore& core, std::unique_ptr<io::Socket> socket, uint16_t listener);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() override;

    /// Serves until the connection has ended and nothing refers to it any more.
    io::Task<void> run();

    /// `request` has its answer (or is silent).
    void answered(Request& request);
    /// No request starts from hold to release: a large produce is being admitted in steps.
    void hold_requests() { admitting_ = true; }
    void release_requests();
    /// Ends the connection now; what is unsent is lost.
    void abort();
    /// Takes no further request; ends when those that it has were answered.
    void drain();

    [[nodiscard]] bool closing() const { return closing_; }
    [[nodiscard]] bool draining() const { return draining_; }
    [[nodiscard]] uint16_t listener() const { return listener_; }
    [[nodiscard]] const std::string& peer() const { return socket_->peer(); }
    BrokerCore& core() { return core_; }
    /// For work that refers to the connection: awaited before it goes.
    io::TaskGroup& tasks() { return tasks_; }

    /// The wait of a fetch that is parked; ended by abort() and drain().
    void set_parked(io::Event* event) { parked_ = event; }
    /// Ends it if it is idle too long, if its peer does not read, or if it keeps others waiting for
    /// a frame that does not come. Lets a fetch look that is parked while others wait for memory.
    /// Called now and then.
    void check(MonotonicNs now, int64_t idle_ns);

    /// A request was for partitions of `owner` alone (kManyOwners: of several cores). A connection
    /// that keeps asking for those of one other core moves there.
    void note_owner(uint16_t owner);
    static constexpr uint16_t kManyOwners = UINT16_MAX;

    /// What goes along when a connection moves to another core.
    struct Move {
        uint16_t core = 0;
        uint16_t listener = 0;
        int32_t descriptor = -1;
        std::vector<std::byte> unread;
    };
    /// After run(): set if the connection goes on elsewhere.
    std::optional<Move> take_move() { return std::exchange(move_, std::nullopt); }
    /// Before run(): what a former core received and did not read.
    void set_unread(std::vector<std::byte> unread) { leftover_ = std::move(unread); }

private:
    void on_bytes(ByteView bytes) override;
    void on_end(Error error) override;

    void consume(ByteView bytes);
    /// False: the core has no bytes for it now.
    [[nodiscard]] bool begin_frame(uint32_t size);
    /// The bytes of the frame were taken of the core's.
    void take_frame(uint32_t size);
    void admit(Request& request);
    void refuse(std::string_view problem);
    void pump();
    void start(Request& request);
    io::Task<void> run_handler(Request& request);
    void answer_unknown(Request& request);
    void wake_all();
    void stall();
    io::Task<void> resume_when_possible();
    void resume();
    io::Task<void> try_move(uint16_t core);
    /// The socket and everything that was received and not read.
    Move pack(uint16_t core);

    io::Task<void> send_loop();
    /// Collects answers that are ready, in order, into parts_; how many requests.
    size_t gather();
    void append_parts(Request& request);
    /// Sends parts_, which are of the first `requests` requests. False: the connection is broken.
    io::Task<bool> send_parts(size_t requests);
    void finish_sent(size_t count);
    /// The connection is done with `request`; what other cores still have of it keeps it alive.
    void leave(Request& request);
    io::Task<void> close();

    BrokerCore& core_;
    std::unique_ptr<io::Socket> socket_;
    uint16_t listener_;
    IntrusiveList<Request> requests_;  ///< Unanswered or unsent, in order of arrival.
    Request* next_ = nullptr;          ///< The first that has not started.
    uint32_t request_count_ = 0;
    uint64_t request_bytes_ = 0;
    bool admitting_ = false;  ///< A large produce is being admitted in steps.
    bool barrier_ = false;    ///< A request that is no produce runs or is being sent.

    Request* incoming_ = nullptr;       ///< A frame of which a part is here.
    MonotonicNs incoming_started_ = 0;  ///< When its bytes were taken.
    std::array<std::byte, 4> length_{};
    uint32_t length_filled_ = 0;
    uint32_t waiting_size_ = 0;        ///< A frame that waits for the core's byte budget.
    std::vector<std::byte> leftover_;  ///< Received while stalled.
    bool stalled_ = false;

    std::vector<iovec> parts_;
    MonotonicNs send_started_ = 0;  ///< 0: nothing is being sent.
    MonotonicNs last_active_ = 0;
    io::Event* parked_ = nullptr;
    uint16_t owner_ = kManyOwners;  ///< Of the last requests, owner_streak_ of them.
    uint32_t owner_streak_ = 0;
    MonotonicNs last_move_ = 0;  ///< Tried or done: not again for a while.
    bool moving_ = false;        ///< send_loop() ends so that it can go.
    std::optional<Move> move_;
    bool closing_ = false;
    bool draining_ = false;
    bool end_seen_ = false;
    io::Event work_;
    io::Event room_;
    io::TaskGroup tasks_;
};

}  // namespace ringlog::broker
