// The end of a process whose own state is wrong. See base/assert.h.
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace ringlog {

void assertion_failed(const char* condition, const char* file, int line,
                      const std::string& operands) {
    std::fprintf(stderr, "ringlog: assertion failed: %s at %s:%d %s\n", condition, file, line,
                 operands.c_str());
    std::fflush(stderr);
    std::abort();
}

}  // namespace ringlog
