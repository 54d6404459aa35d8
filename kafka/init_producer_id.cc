#include "kafka/init_producer_id.h"

#include "kafka/codec_impl.h"

namespace ringlog::kafka {

template struct Codec<InitProducerIdRequest>;
template struct Codec<InitProducerIdResponse>;

}  // namespace ringlog::kafka
