#include "kafka/create_topics.h"

#include "kafka/codec_impl.h"

namespace ringlog::kafka {

template struct Codec<ReplicaAssignment>;
template struct Codec<CreatableTopicConfig>;
template struct Codec<CreatableTopic>;
template struct Codec<CreateTopicsRequest>;
template struct Codec<CreatedTopicConfig>;
template struct Codec<CreatableTopicResult>;
template struct Codec<CreateTopicsResponse>;

}  // namespace ringlog::kafka
