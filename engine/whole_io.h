// Whole reads and writes over io::File, whose operations may move fewer bytes than asked. The
// file's core.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "io/file.h"
#include "io/task.h"

namespace ringlog::engine {

/// Writes all of `from`; position, length and address are multiples of kBlockBytes. Errors:
/// io_failed, no_space, short_write (the device moves less than a block).
io::Task<Result<void>> write_whole(io::File& file, ByteView from, uint64_t position,
                                   io::WriteMode mode);

/// Reads until `to` is full or the file ends; the count of bytes. Position, length and address are
/// multiples of kBlockBytes. Errors: io_failed.
io::Task<Result<uint64_t>> read_whole(io::File& file, Bytes to, uint64_t position);

}  // namespace ringlog::engine
