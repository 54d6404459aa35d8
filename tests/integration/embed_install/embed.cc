// A program outside the repository that links the installed engine: it asks for the judgement of
// one batch.
#include <cstdio>
#include <string>

#include "base/error.h"
#include "engine/record_batch.h"

int main() {
    const std::string not_a_batch(100, 'x');
    const auto header =
        ringlog::engine::validate_client_batch(ringlog::as_bytes(not_a_batch), {.max_bytes = 1000});
    std::puts(header ? "accepted" : ringlog::describe(header.error()).c_str());
    return header ? 1 : 0;
}
