#include "kafka/fetch.h"

#include "kafka/codec_impl.h"

namespace ringlog::kafka {

template struct Codec<FetchPartition>;
template struct Codec<FetchTopic>;
template struct Codec<ForgottenTopic>;
template struct Codec<FetchRequest>;
template struct Codec<EpochEndOffset>;
template struct Codec<LeaderIdAndEpoch>;
template struct Codec<FetchSnapshotId>;
template struct Codec<AbortedTransaction>;
template struct Codec<FetchPartitionResponse>;
template struct Codec<FetchTopicResponse>;
template struct Codec<FetchResponse>;

}  // namespace ringlog::kafka
