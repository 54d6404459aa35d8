#include "kafka/find_coordinator.h"

#include "kafka/codec_impl.h"

namespace ringlog::kafka {

template struct Codec<FindCoordinatorRequest>;
template struct Codec<Coordinator>;
template struct Codec<FindCoordinatorResponse>;

}  // namespace ringlog::kafka
