#include "bench/process_usage.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "base/clock.h"

namespace ringlog::bench {

Result<ProcessUsage> process_usage(pid_t pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string line;
    if (!std::getline(file, line)) {
        return fail(Errc::not_found, 0, pid);
    }
    // The command stands in parentheses and may hold anything; numbers follow the last one. Field 3
    // is the first behind it.
    const size_t close = line.rfind(')');
    if (close == std::string::npos) {
        return fail(Errc::malformed);
    }
    constexpr int kUserField = 14;
    constexpr int kSystemField = 15;
    constexpr int kResidentField = 24;
    std::istringstream fields(line.substr(close + 1));
    std::string field;
    ProcessUsage usage;
    const int64_t tick_ns = kSecondNs / ::sysconf(_SC_CLK_TCK);
    for (int number = 3; number <= kResidentField && fields >> field; ++number) {
        if (number == kUserField || number == kSystemField) {
            usage.cpu_ns += std::stoll(field) * tick_ns;
        } else if (number == kResidentField) {
            usage.resident_bytes = std::stoll(field) * ::sysconf(_SC_PAGESIZE);
        }
    }
    return usage;
}

std::vector<CpuTicks> cpu_ticks() {
    std::ifstream file("/proc/stat");
    std::vector<CpuTicks> cpus;
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("cpu") || line.size() < 4 || line[3] == ' ') {
            continue;
        }
        std::istringstream fields(line);
        std::string name;
        fields >> name;
        CpuTicks ticks;
        constexpr int kIdle = 3;
        constexpr int kWaiting = 4;
        constexpr int kLast = 7;  // guest times, behind it, are part of user time already
        uint64_t value = 0;
        for (int index = 0; index <= kLast && fields >> value; ++index) {
            ticks.total += value;
            ticks.busy += index == kIdle || index == kWaiting ? 0 : value;
        }
        cpus.push_back(ticks);
    }
    return cpus;
}

std::vector<double> busy_percent(const std::vector<CpuTicks>& from,
                                 const std::vector<CpuTicks>& to) {
    std::vector<double> percents;
    for (size_t index = 0; index < std::min(from.size(), to.size()); ++index) {
        const auto total = static_cast<double>(to[index].total - from[index].total);
        const auto busy = static_cast<double>(to[index].busy - from[index].busy);
        percents.push_back(total > 0 ? 100 * busy / total : 0);
    }
    return percents;
}

}  // namespace ringlog::bench
