#include "kafka/metadata.h"

#include "kafka/codec_impl.h"

namespace ringlog::kafka {

template struct Codec<MetadataRequestTopic>;
template struct Codec<MetadataRequest>;
template struct Codec<MetadataBroker>;
template struct Codec<MetadataPartition>;
template struct Codec<MetadataTopic>;
template struct Codec<MetadataResponse>;

}  // namespace ringlog::kafka
