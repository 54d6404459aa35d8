#include "bench/answers.h"

#include <map>

#include "bench/requests.h"

namespace ringlog::bench {
namespace {

/// Reads big-endian fields; once a field does not fit, everything reads as zero and ok() is false.
class Reader {
public:
    explicit Reader(ByteView bytes) : rest_(bytes) {}

    template <std::integral T>
    T take() {
        const ByteView bytes = raw(sizeof(T));
        return bytes.empty() ? T{} : load_be<T>(bytes.data());
    }
    ByteView raw(size_t count) {
        if (!ok_ || count > rest_.size()) {
            ok_ = false;
            return {};
        }
        const ByteView bytes = rest_.first(count);
        rest_ = rest_.subspan(count);
        return bytes;
    }
    /// Null reads as empty.
    std::string_view string() {
        const auto length = take<int16_t>();
        return length > 0 ? as_text(raw(static_cast<size_t>(length))) : std::string_view();
    }
    /// The count of an array whose elements take at least `element_bytes`; null counts as 0.
    int32_t count(size_t element_bytes) {
        const auto declared = take<int32_t>();
        if (declared > 0 && static_cast<size_t>(declared) > rest_.size() / element_bytes) {
            ok_ = false;
        }
        return ok_ && declared > 0 ? declared : 0;
    }
    [[nodiscard]] bool ok() const { return ok_; }

private:
    ByteView rest_;
    bool ok_ = true;
};

}  // namespace

Result<ProduceAnswer> parse_produce_answer(ByteView answer) {
    Reader reader(answer);
    ProduceAnswer result{.correlation_id = reader.take<int32_t>()};
    const int32_t topic_count = reader.count(1);
    reader.string();
    const int32_t partition_count = reader.count(1);
    result.partition = reader.take<int32_t>();
    result.error_code = reader.take<int16_t>();
    result.base_offset = reader.take<int64_t>();
    reader.take<int64_t>();  // log append time
    reader.take<int64_t>();  // log start offset
    reader.take<int32_t>();  // throttle time
    if (!reader.ok() || topic_count != 1 || partition_count != 1) {
        return fail(Errc::malformed);
    }
    return result;
}

Result<int16_t> parse_create_topic_answer(ByteView answer) {
    Reader reader(answer);
    reader.take<int32_t>();  // correlation id
    reader.take<int32_t>();  // throttle time
    const int32_t topic_count = reader.count(1);
    reader.string();
    const auto error_code = reader.take<int16_t>();
    if (!reader.ok() || topic_count != 1) {
        return fail(Errc::malformed);
    }
    return error_code;
}

Result<TopicMetadata> parse_metadata_answer(ByteView answer) {
    Reader reader(answer);
    reader.take<int32_t>();  // correlation id
    reader.take<int32_t>();  // throttle time
    std::map<int32_t, Address> brokers;
    for (int32_t left = reader.count(12); left > 0; --left) {
        const auto id = reader.take<int32_t>();
        Address address{.host = std::string(reader.string())};
        address.port = static_cast<uint16_t>(reader.take<int32_t>());
        reader.string();  // rack
        brokers[id] = std::move(address);
    }
    reader.string();         // cluster id
    reader.take<int32_t>();  // controller
    if (reader.count(1) != 1) {
        return fail(Errc::malformed);
    }
    TopicMetadata topic{.error_code = reader.take<int16_t>()};
    reader.string();
    reader.take<int8_t>();  // internal
    const int32_t partition_count = reader.count(18);
    topic.leaders.resize(static_cast<size_t>(partition_count));
    for (int32_t left = partition_count; left > 0; --left) {
        const auto error_code = reader.take<int16_t>();
        const auto index = reader.take<int32_t>();
        const auto leader = reader.take<int32_t>();
        reader.raw(static_cast<size_t>(reader.count(4)) * 4);  // replicas
        reader.raw(static_cast<size_t>(reader.count(4)) * 4);  // in-sync replicas
        if (!reader.ok() || index < 0 || index >= partition_count) {
            return fail(Errc::malformed);
        }
        if (const auto broker = brokers.find(leader); error_code == 0 && broker != brokers.end()) {
            topic.leaders[static_cast<size_t>(index)] = broker->second;
        }
    }
    if (!reader.ok()) {
        return fail(Errc::malformed);
    }
    return topic;
}

Result<std::vector<FetchedPartition>> parse_fetch_answer(ByteView answer) {
    Reader reader(answer);
    std::vector<FetchedPartition> partitions;
    reader.take<int32_t>();  // correlation id
    reader.take<int32_t>();  // throttle time
    for (int32_t topics = reader.count(6); topics > 0 && reader.ok(); --topics) {
        reader.string();
        for (int32_t left = reader.count(30); left > 0 && reader.ok(); --left) {
            FetchedPartition partition{.partition = reader.take<int32_t>()};
            partition.error_code = reader.take<int16_t>();
            partition.high_watermark = reader.take<int64_t>();
            reader.take<int64_t>();                                  // last stable offset
            reader.raw(static_cast<size_t>(reader.count(16)) * 16);  // aborted transactions
            partition.records = reader.raw(static_cast<size_t>(reader.count(1)));
            partitions.push_back(partition);
        }
    }
    if (!reader.ok()) {
        return fail(Errc::malformed);
    }
    return partitions;
}

Result<FetchedBatch> take_batch(ByteView& records) {
    constexpr size_t kLengthEnd = kBatchLengthPosition + sizeof(int32_t);
    if (records.size() < kLengthEnd) {
        return fail(Errc::short_read);
    }
    const auto length = load_be<int32_t>(records.data() + kBatchLengthPosition);
    if (length < static_cast<int32_t>(kBatchHeaderBytes - kLengthEnd)) {
        return fail(Errc::malformed, 0, length);
    }
    const size_t whole = kLengthEnd + static_cast<size_t>(length);
    if (records.size() < whole) {
        return fail(Errc::short_read);
    }
    const FetchedBatch batch{
        .bytes = records.first(whole),
        .base_offset = load_be<int64_t>(records.data()),
        .record_count = load_be<int32_t>(records.data() + kBatchLastDeltaPosition) + 1};
    records = records.subspan(whole);
    return batch;
}

}  // namespace ringlog::bench
