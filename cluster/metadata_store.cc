// Ranges of keys. Any core.
#include "cluster/metadata_store.h"

#include "base/assert.h"

namespace ringlog::cluster {

KeyRange KeyRange::of_prefix(std::string_view prefix) {
    RL_ASSERT(!prefix.empty() && static_cast<unsigned char>(prefix.back()) < 255);
    KeyRange range{.begin = std::string(prefix), .end = std::string(prefix)};
    range.end.back() = static_cast<char>(static_cast<unsigned char>(range.end.back()) + 1);
    return range;
}

KeyRange KeyRange::of_key(std::string_view key) {
    KeyRange range{.begin = std::string(key), .end = std::string(key)};
    range.end.push_back('\0');
    return range;
}

}  // namespace ringlog::cluster
