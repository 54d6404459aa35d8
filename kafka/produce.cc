#include "kafka/produce.h"

#include "kafka/codec_impl.h"

namespace ringlog::kafka {

template struct Codec<ProducePartition>;
template struct Codec<ProduceTopic>;
template struct Codec<ProduceRequest>;
template struct Codec<ProduceRecordError>;
template struct Codec<ProducePartitionResponse>;
template struct Codec<ProduceTopicResponse>;
template struct Codec<ProduceResponse>;

}  // namespace ringlog::kafka
