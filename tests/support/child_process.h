// Runs a function in a child of its own, for what changes a whole process: limits, system call
// filters, a sudden end.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/assert.h"

namespace ringlog::test {

struct ChildResult {
    int exit_status = -1;  ///< What the function returned; -1 if the child did not end by itself.
    int signal = 0;        ///< What killed it, or 0.
    std::string output;    ///< What it wrote to stdout and stderr.
};

/// Forks; the child runs `body` and exits with what it returns. The caller has no other thread.
inline ChildResult run_in_child(const std::function<int()>& body) {
    std::array<int, 2> ends{};
    RL_ASSERT(pipe(ends.data()) == 0);
    std::fflush(stdout);
    const pid_t child = fork();
    RL_ASSERT(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        const int status = body();
        std::fflush(stdout);
        _exit(status);
    }
    close(ends[1]);
    ChildResult result;
    std::array<char, 4096> chunk{};
    for (ssize_t count = 0; (count = read(ends[0], chunk.data(), chunk.size())) > 0;) {
        result.output.append(chunk.data(), static_cast<size_t>(count));
    }
    close(ends[0]);
    int status = 0;
    RL_ASSERT(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status)) {
        result.exit_status = WEXITSTATUS(status);
    } else if (WIFSIGNALED(status)) {
        result.signal = WTERMSIG(status);
    }
    return result;
}

/// From now on each of `calls` (numbers of system calls) fails with `error` in this process, as a
/// container's profile makes it. False if this process may not install a filter.
inline bool refuse_system_calls(const std::vector<uint32_t>& calls, int error) {
    std::vector<sock_filter> filter = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (const uint32_t call : calls) {
        filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
        filter.push_back(BPF_STMT(BPF_RET | BPF_K,
                                  SECCOMP_RET_ERRNO | (static_cast<uint32_t>(error) & 0xFFFFU)));
    }
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog program{.len = static_cast<unsigned short>(filter.size()),
                             .filter = filter.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace ringlog::test
