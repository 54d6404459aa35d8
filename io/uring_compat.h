// What the kernel's io_uring interface has and the headers of liburing 2.3 do not name. Numbers are
// part of the kernel's ABI and never change; whether this kernel knows them is asked at run time.
#pragma once

#include <liburing.h>

#include <cstdint>

namespace ringlog::io::uring {

/// Operations after IORING_OP_SENDMSG_ZC, which is the last that liburing 2.3 names.
constexpr uint8_t kOpReadMultishot = 49;
constexpr uint8_t kOpFutexWait = 51;
constexpr uint8_t kOpReadvFixed = 60;
constexpr uint8_t kOpWritevFixed = 61;

/// Features that io_uring_setup reports, after IORING_FEAT_LINKED_FILE.
constexpr uint32_t kFeatRegisteredRing = 1U << 13;
constexpr uint32_t kFeatBundles = 1U << 14;
constexpr uint32_t kFeatMinTimeout = 1U << 15;

/// The first kernel that has everything that our ring asks for (IORING_SETUP_DEFER_TASKRUN came
/// last).
constexpr uint32_t kMinimumMajor = 6;
constexpr uint32_t kMinimumMinor = 1;

}  // namespace ringlog::io::uring
