#include "bench/topic_setup.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace ringlog::bench {
namespace {

constexpr int16_t kTopicExists = 36;
constexpr int16_t kInvalidTopic = 17;
constexpr int16_t kInvalidPartitions = 37;
constexpr int16_t kInvalidConfig = 40;

/// One connection, one try of everything that is still to do.
class Setup {
public:
    explicit Setup(const SetupSpec& spec) : spec_(spec), created_(!spec.create) {}

    Result<TopicMetadata> attempt() {
        if (!fd_.valid()) {
            auto fd = connect_to(spec_.address);
            if (!fd) {
                return fail(fd.error());
            }
            fd_ = std::move(*fd);
            set_receive_timeout(fd_.get(), 5 * kSecondNs);
        }
        auto metadata = ask();
        if (!metadata && metadata.error().code != Errc::not_leader &&
            metadata.error().code != Errc::invalid_argument) {
            fd_.reset();
        }
        return metadata;
    }

private:
    Result<TopicMetadata> ask() {
        if (auto done = create(); !done) {
            return fail(done.error());
        }
        const auto answer =
            call(fd_.get(), metadata_request(spec_.topic.name, next_correlation_++));
        if (!answer) {
            return fail(answer.error());
        }
        auto metadata = parse_metadata_answer(*answer);
        if (!metadata) {
            return metadata;
        }
        const bool led = std::ranges::all_of(metadata->leaders,
                                             [](const Address& each) { return each.port != 0; });
        if (metadata->error_code != 0 || metadata->leaders.empty() || !led) {
            return fail(Errc::not_leader, 0, metadata->error_code);
        }
        return metadata;
    }

    Result<void> create() {
        if (created_) {
            return {};
        }
        const auto answer = call(fd_.get(), create_topic_request(spec_.topic, next_correlation_++));
        if (!answer) {
            return fail(answer.error());
        }
        const auto error_code = parse_create_topic_answer(*answer);
        if (!error_code) {
            return fail(error_code.error());
        }
        created_ = *error_code == 0 || *error_code == kTopicExists;
        if (created_) {
            return {};
        }
        const bool final = *error_code == kInvalidTopic || *error_code == kInvalidPartitions ||
                           *error_code == kInvalidConfig;
        return fail(final ? Errc::invalid_argument : Errc::not_leader, 0, *error_code);
    }

    const SetupSpec& spec_;
    bool created_;
    Fd fd_;
    int32_t next_correlation_ = 0;
};

}  // namespace

Result<TopicMetadata> prepare_topic(const SetupSpec& spec) {
    Setup setup(spec);
    while (true) {
        auto metadata = setup.attempt();
        if (metadata || metadata.error().code == Errc::invalid_argument ||
            SystemClock().monotonic_ns() >= spec.deadline_ns) {
            return metadata;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

}  // namespace ringlog::bench
