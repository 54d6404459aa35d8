#include "kafka/list_offsets.h"

#include "kafka/codec_impl.h"

namespace ringlog::kafka {

template struct Codec<ListOffsetsPartition>;
template struct Codec<ListOffsetsTopic>;
template struct Codec<ListOffsetsRequest>;
template struct Codec<ListOffsetsPartitionResponse>;
template struct Codec<ListOffsetsTopicResponse>;
template struct Codec<ListOffsetsResponse>;

}  // namespace ringlog::kafka
