// See broker/batch_limit.h.
#include "broker/batch_limit.h"

#include <fmt/format.h>

#include "engine/store.h"

namespace ringlog::broker {

std::optional<std::string> batch_limit_problem(std::string_view key, uint64_t bytes,
                                               const engine::ShardOptions& options) {
    const engine::BatchBytesMax most = engine::batch_bytes_max(options);
    if (bytes > most.by_format) {
        return fmt::format("{}={} is more than the {} bytes of the largest batch that there can be",
                           key, bytes, most.by_format);
    }
    if (bytes <= most.by_window && bytes <= most.by_journal) {
        return std::nullopt;
    }
    std::string raise;
    if (bytes > most.by_window) {
        raise = fmt::format("ringlog.window.bytes to at least {}",
                            engine::window_bytes_for_batch(bytes, options));
    }
    if (bytes > most.by_journal) {
        raise += fmt::format("{}ringlog.journal.bytes to at least {}", raise.empty() ? "" : " and ",
                             engine::journal_bytes_for_batch(bytes));
    }
    return fmt::format(
        "{}={} is more than the {} bytes of the largest batch that this broker can take; raise {}, "
        "or lower it",
        key, bytes, std::min(most.by_window, most.by_journal), raise);
}

}  // namespace ringlog::broker
