#include "kafka/delete_topics.h"

#include "kafka/codec_impl.h"

namespace ringlog::kafka {

template struct Codec<DeleteTopicState>;
template struct Codec<DeleteTopicsRequest>;
template struct Codec<DeletableTopicResult>;
template struct Codec<DeleteTopicsResponse>;

}  // namespace ringlog::kafka
