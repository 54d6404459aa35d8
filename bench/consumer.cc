#include "bench/consumer.h"

#include <algorithm>

#include "base/checksum.h"
#include "bench/net.h"

namespace ringlog::bench {

Consumer::Consumer(Fd fd, Spec spec)
    : fd_(std::move(fd)),
      spec_(std::move(spec)),
      high_watermarks_(static_cast<size_t>(spec_.partition_count), -1),
      reader_(size_t{64} << 10) {
    for (int32_t partition = 0; partition < spec_.partition_count; ++partition) {
        from_.push_back({.partition = partition});
    }
}

Result<void> Consumer::ask() {
    const FetchSpec fetch{
        .topic = spec_.topic, .max_wait_ms = spec_.max_wait_ms, .max_bytes = spec_.max_bytes};
    auto sent = send_all(fd_.get(), fetch_request(fetch, from_, next_correlation_++));
    // Start behind the partition that went first, so that a small max_bytes starves none.
    std::rotate(from_.begin(), from_.begin() + 1, from_.end());
    return sent;
}

Result<void> Consumer::take_partition(const FetchedPartition& partition, const OnBatch& on_batch) {
    if (partition.error_code != 0) {
        return fail(Errc::invalid_argument, 0, partition.error_code);
    }
    const auto place = std::find_if(from_.begin(), from_.end(), [&](const FetchFrom& each) {
        return each.partition == partition.partition;
    });
    if (place == from_.end()) {
        return fail(Errc::malformed, 0, partition.partition);
    }
    high_watermarks_[static_cast<size_t>(partition.partition)] = partition.high_watermark;
    ByteView records = partition.records;
    while (true) {
        const auto batch = take_batch(records);
        if (!batch && batch.error().code == Errc::short_read) {
            return {};
        }
        if (!batch) {
            return fail(batch.error());
        }
        const auto stored = load_be<uint32_t>(batch->bytes.data() + kBatchCrcPosition);
        if (spec_.check_crc && stored != crc32c(batch->bytes.subspan(kBatchCrcFromPosition))) {
            return fail(Errc::corrupt_batch, 0, batch->base_offset);
        }
        gap_count_ += batch->base_offset != place->offset ? 1 : 0;
        place->offset = batch->base_offset + batch->record_count;
        batch_bytes_ += batch->bytes.size();
        record_count_ += static_cast<uint64_t>(batch->record_count);
        on_batch(*batch);
    }
}

Result<bool> Consumer::receive(const OnBatch& on_batch) {
    const auto came = reader_.receive(fd_.get());
    if (!came) {
        return fail(came.error());
    }
    const auto frame = reader_.next();
    if (!frame) {
        return fail(frame.error());
    }
    if (!frame->has_value()) {
        return false;
    }
    const auto partitions = parse_fetch_answer(**frame);
    if (!partitions) {
        return fail(partitions.error());
    }
    for (const FetchedPartition& partition : *partitions) {
        if (auto taken = take_partition(partition, on_batch); !taken) {
            return fail(taken.error());
        }
    }
    return true;
}

bool Consumer::at_end() const {
    return std::all_of(from_.begin(), from_.end(), [&](const FetchFrom& each) {
        const int64_t end = high_watermarks_[static_cast<size_t>(each.partition)];
        return end >= 0 && each.offset >= end;
    });
}

}  // namespace ringlog::bench
