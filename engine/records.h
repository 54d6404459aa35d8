// The records of batches, for programs that embed the engine: putting them together, and taking
// them apart again. Any core; pure. The engine itself never looks at a record but by its time.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"

namespace ringlog::engine {

/// One record. Key and value are views: of the caller's bytes, or of the batch that was decoded.
struct Record {
    int64_t offset = -1;    ///< Only of decoded records: an append gives it.
    WallMs timestamp = -1;  ///< Milliseconds since 1970.
    std::optional<ByteView> key;
    std::optional<ByteView> value;
};

/// Builds one batch of Kafka's version 2: not compressed, without headers, without a producer id.
/// May be used again for the next one.
class RecordBatchBuilder {
public:
    /// Copies key and value. Together the records of a batch stay below 2 GiB.
    RecordBatchBuilder& add(const Record& record);
    [[nodiscard]] int32_t count() const { return count_; }
    /// Bytes of the batch so far.
    [[nodiscard]] size_t bytes() const;
    /// The batch, its CRC right, as Partition::append() takes it; the builder is empty then. At
    /// least one record was added.
    std::vector<std::byte> build();

private:
    std::vector<std::byte> records_;
    std::vector<std::byte> one_;  ///< The record that is being encoded.
    int32_t count_ = 0;
    WallMs base_timestamp_ = -1;
    WallMs max_timestamp_ = -1;
};

/// The records of whole batches that stand back to back, as Partition::read() gives them. Errors:
/// short_read (a batch is not whole), corrupt_batch (`at` its base offset), unsupported (it is
/// compressed). Headers of records are skipped.
Result<std::vector<Record>> decode_records(ByteView batches);

}  // namespace ringlog::engine
