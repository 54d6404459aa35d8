// The suite of the seam below the reactor, over this kernel's io_uring and epoll.
#include "tests/support/io_suite.h"
#include "tests/support/io_suite_cores.h"
#include "tests/support/io_suite_sockets.h"
#include "tests/support/kernel_fixture.h"

namespace ringlog::io::suite {

using Uring = testing::Types<test::UringFixture>;
using Epoll = testing::Types<test::EpollFixture>;

INSTANTIATE_TYPED_TEST_SUITE_P(Uring, IoFiles, Uring);
INSTANTIATE_TYPED_TEST_SUITE_P(Uring, IoSockets, Uring);
INSTANTIATE_TYPED_TEST_SUITE_P(Uring, IoCores, Uring);
INSTANTIATE_TYPED_TEST_SUITE_P(Epoll, IoFiles, Epoll);
INSTANTIATE_TYPED_TEST_SUITE_P(Epoll, IoSockets, Epoll);
INSTANTIATE_TYPED_TEST_SUITE_P(Epoll, IoCores, Epoll);

}  // namespace ringlog::io::suite
