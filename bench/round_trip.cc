#include "bench/round_trip.h"

#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "bench/fd.h"
#include "bench/net.h"

namespace ringlog::bench {
namespace {

/// Until the client hangs up, which is how its life ends.
Result<void> serve(const RoundTripSpec& spec, const Fd& fd) {
    std::vector<std::byte> own(spec.request_bytes);
    const std::vector<std::byte> answer(spec.answer_bytes);
    const Bytes frame =
        spec.file != nullptr ? Bytes(spec.file->buffer(), spec.request_bytes) : Bytes(own);
    const size_t write_bytes = round_up(spec.request_bytes, kDeviceBlockBytes);
    while (true) {
        if (auto got = receive_exactly(fd.get(), frame); !got) {
            return got.error().code == Errc::closed ? Result<void>() : got;
        }
        if (spec.file != nullptr) {
            if (auto written = spec.file->write_next(write_bytes, spec.rung); !written) {
                return written;
            }
        }
        if (auto sent = send_all(fd.get(), answer); !sent) {
            return sent;
        }
    }
}

Result<Histogram> ask(const RoundTripSpec& spec, const Fd& fd) {
    const SystemClock clock;
    const std::vector<std::byte> request(spec.request_bytes);
    std::vector<std::byte> answer(spec.answer_bytes);
    const auto window_ns = static_cast<int64_t>(spec.seconds * static_cast<double>(kSecondNs));
    const MonotonicNs measure_ns = clock.monotonic_ns() + window_ns / 10;
    const MonotonicNs end_ns = measure_ns + window_ns;
    Histogram histogram;
    MonotonicNs before = clock.monotonic_ns();
    while (before < end_ns) {
        if (auto sent = send_all(fd.get(), request); !sent) {
            return fail(sent.error());
        }
        if (auto got = receive_exactly(fd.get(), answer); !got) {
            return fail(got.error());
        }
        const MonotonicNs after = clock.monotonic_ns();
        if (before >= measure_ns) {
            histogram.record(static_cast<uint64_t>(after - before));
        }
        before = after;
    }
    return histogram;
}

}  // namespace

Result<Histogram> run_round_trip(const RoundTripSpec& spec) {
    auto listener = listen_on_loopback(0);
    if (!listener) {
        return fail(listener.error());
    }
    auto client = connect_to({.host = "127.0.0.1", .port = bound_port(*listener)});
    if (!client) {
        return fail(client.error());
    }
    auto server = accept_on(*listener);
    if (!server) {
        return fail(server.error());
    }
    Result<Histogram> histogram = Histogram{};
    std::thread asking([&] {
        histogram = ask(spec, *client);
        client->reset();
    });
    const auto served = serve(spec, *server);  // here: the ring belongs to the thread that made it
    server->reset();
    asking.join();
    return served ? histogram : fail(served.error());
}

}  // namespace ringlog::bench
