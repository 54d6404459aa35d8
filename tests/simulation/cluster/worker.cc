#include "tests/simulation/cluster/worker.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <type_traits>

#include "base/assert.h"

namespace ringlog::simulation {
namespace {

static_assert(std::is_trivially_copyable_v<Totals>);

constexpr uint64_t kSeedsPerChild = 10;
/// No seed takes more of a CPU than this: what does hangs. Other work on the machine does not
/// count.
constexpr time_t kSeedSecondsMax = 300;
/// One that waits for what never comes takes no CPU.
constexpr unsigned kSeedWallSecondsMax = 12 * 3600;

/// The next seed has its time; the process ends by SIGPROF or SIGALRM if it takes more.
void give_time() {
    const itimerval limit{.it_interval = {}, .it_value = {.tv_sec = kSeedSecondsMax, .tv_usec = 0}};
    RL_ASSERT(::setitimer(ITIMER_PROF, &limit, nullptr) == 0);
    alarm(kSeedWallSecondsMax);
}

double seconds_now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

void write_all(int to, const void* data, size_t bytes) {
    const auto* at = static_cast<const char*>(data);
    while (bytes > 0) {
        const ssize_t written = ::write(to, at, bytes);
        if (written <= 0) {
            return;
        }
        at += written;
        bytes -= static_cast<size_t>(written);
    }
}

size_t read_all(int from, void* data, size_t bytes) {
    auto* at = static_cast<char*>(data);
    size_t done = 0;
    while (done < bytes) {
        const ssize_t count = ::read(from, at + done, bytes - done);
        if (count <= 0) {
            break;
        }
        done += static_cast<size_t>(count);
    }
    return done;
}

std::string how_it_ended(int status) {
    return WIFSIGNALED(status)
               ? fmt::format("the process died of signal {} ({})", WTERMSIG(status),
                             strsignal(WTERMSIG(status)))
               : fmt::format("the process ended with status {}", WEXITSTATUS(status));
}

Totals totals_of(const RunOutcome& outcome) {
    return {.seeds = 1,
            .events = outcome.events,
            .honesty = outcome.honesty ? 1U : 0U,
            .gave_up = outcome.gave_up ? 1U : 0U,
            .failed = outcome.failure.empty() ? 0U : 1U,
            .virtual_ns = outcome.virtual_ns,
            .marks = outcome.marks};
}

/// A child: its seeds, one behind the other, until one fails.
void run_chunk(const ManySeeds& many, uint64_t first, uint64_t count, volatile uint64_t* current,
               const OnFailure& on_failure, int to) {
    Totals totals;
    const double begun = seconds_now();
    for (uint64_t seed = first; seed < first + count; ++seed) {
        *current = seed;
        give_time();
        RunOptions options = many.run;
        options.seed = seed;
        const RunOutcome outcome = run_seed(options);
        std::string failure = outcome.failure;
        if (failure.empty() && many.twice) {
            options.story = nullptr;
            options.events = false;
            const RunOutcome again = run_seed(options);
            if (again.trace_hash != outcome.trace_hash) {
                failure = fmt::format("two runs differ: trace {:016x} and {:016x}",
                                      outcome.trace_hash, again.trace_hash);
            }
        }
        Totals one = totals_of(outcome);
        one.failed = failure.empty() ? 0 : 1;
        totals.add(one);
        if (!failure.empty()) {
            on_failure(seed, failure);
            if (!many.keep_going) {
                break;
            }
        }
    }
    totals.busy_seconds = seconds_now() - begun;
    write_all(to, &totals, sizeof(totals));
}

struct Child {
    int pipe = -1;
    size_t slot = 0;
};

}  // namespace

void Totals::add(const Totals& other) {
    seeds += other.seeds;
    events += other.events;
    honesty += other.honesty;
    gave_up += other.gave_up;
    failed += other.failed;
    virtual_ns += other.virtual_ns;
    busy_seconds += other.busy_seconds;
    for (size_t i = 0; i < marks.size(); ++i) {
        marks[i] += other.marks[i];
    }
}

Totals run_many(const ManySeeds& many, const OnFailure& on_failure) {
    Totals totals;
    const double end = many.minutes > 0 ? seconds_now() + many.minutes * 60 : 0;
    uint64_t next = many.first;
    const uint64_t last = many.first + many.count;
    auto* const seeds = static_cast<volatile uint64_t*>(mmap(nullptr, many.jobs * sizeof(uint64_t),
                                                             PROT_READ | PROT_WRITE,
                                                             MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    RL_ASSERT(seeds != MAP_FAILED);
    std::map<pid_t, Child> children;
    std::vector<size_t> slots;
    for (size_t i = 0; i < many.jobs; ++i) {
        slots.push_back(i);
    }
    for (;;) {
        const bool more = (totals.failed == 0 || many.keep_going) &&
                          (end > 0 ? seconds_now() < end : next < last);
        if (more && !slots.empty()) {
            const uint64_t count = end > 0 ? kSeedsPerChild : std::min(kSeedsPerChild, last - next);
            int ends[2];
            RL_ASSERT(::pipe(ends) == 0);
            std::fflush(nullptr);
            const size_t slot = slots.back();
            const pid_t pid = ::fork();
            RL_ASSERT(pid >= 0);
            if (pid == 0) {
                ::close(ends[0]);
                run_chunk(many, next, count, seeds + slot, on_failure, ends[1]);
                std::fflush(nullptr);
                _exit(0);
            }
            ::close(ends[1]);
            slots.pop_back();
            children[pid] = {.pipe = ends[0], .slot = slot};
            next += count;
            continue;
        }
        if (children.empty()) {
            break;
        }
        int status = 0;
        const pid_t pid = ::wait(&status);
        const auto found = children.find(pid);
        if (found == children.end()) {
            continue;
        }
        Totals part;
        if (read_all(found->second.pipe, &part, sizeof(part)) == sizeof(part)) {
            totals.add(part);
        } else {
            ++totals.failed;
            on_failure(seeds[found->second.slot], how_it_ended(status));
        }
        ::close(found->second.pipe);
        slots.push_back(found->second.slot);
        children.erase(found);
    }
    munmap(const_cast<uint64_t*>(seeds), many.jobs * sizeof(uint64_t));
    return totals;
}

std::string run_apart(const RunOptions& options) {
    int ends[2];
    RL_ASSERT(::pipe(ends) == 0);
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    RL_ASSERT(pid >= 0);
    if (pid == 0) {
        ::close(ends[0]);
        give_time();
        // What it says of its end is said again by the last of these runs.
        if (std::freopen("/dev/null", "w", stderr) == nullptr) {
            _exit(1);
        }
        const std::string failure = run_seed(options).failure;
        write_all(ends[1], failure.data(), failure.size());
        _exit(0);
    }
    ::close(ends[1]);
    std::string failure(4096, '\0');
    failure.resize(read_all(ends[0], failure.data(), failure.size()));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status == 0 ? failure : how_it_ended(status);
}

}  // namespace ringlog::simulation
