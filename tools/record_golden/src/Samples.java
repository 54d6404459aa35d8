// The messages that are recorded, with every field of the version set to a value of its own. golden_samples.cc of the
// unit tests builds the same messages; the two must be changed together.
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.*;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;

final class Samples {
    static final Uuid ID = new Uuid(0x0102030405060708L, 0x090a0b0c0d0e0f10L);

    static MemoryRecords batch() {
        return MemoryRecords.withRecords(
                Compression.NONE,
                new SimpleRecord(1700000000000L, "key".getBytes(StandardCharsets.UTF_8),
                        "value one".getBytes(StandardCharsets.UTF_8)),
                new SimpleRecord(1700000000001L, null, "value two".getBytes(StandardCharsets.UTF_8)));
    }

    static RequestHeaderData requestHeader() {
        return new RequestHeaderData().setRequestApiKey((short) 3).setRequestApiVersion((short) 7)
                .setCorrelationId(77).setClientId("client-1");
    }

    static ProduceRequestData produceRequest(int version) {
        ProduceRequestData.TopicProduceData words = new ProduceRequestData.TopicProduceData().setName("words");
        words.partitionData().add(new ProduceRequestData.PartitionProduceData().setIndex(3).setRecords(batch()));
        words.partitionData().add(new ProduceRequestData.PartitionProduceData().setIndex(4).setRecords(batch()));
        ProduceRequestData.TopicProduceData other = new ProduceRequestData.TopicProduceData().setName("th\u00e8me");
        other.partitionData().add(new ProduceRequestData.PartitionProduceData().setIndex(0).setRecords(batch()));
        ProduceRequestData data = new ProduceRequestData().setTransactionalId("tx").setAcks((short) -1)
                .setTimeoutMs(30000);
        data.topicData().add(words);
        data.topicData().add(other);
        return data;
    }

    static ProduceRequestData produceRequestNulls() {
        ProduceRequestData.TopicProduceData words = new ProduceRequestData.TopicProduceData().setName("words");
        words.partitionData().add(new ProduceRequestData.PartitionProduceData().setIndex(3).setRecords(null));
        ProduceRequestData data = new ProduceRequestData().setTransactionalId(null).setAcks((short) 1)
                .setTimeoutMs(1);
        data.topicData().add(words);
        return data;
    }

    static ProduceResponseData produceResponse(int version) {
        ProduceResponseData.PartitionProduceResponse bad = new ProduceResponseData.PartitionProduceResponse()
                .setIndex(3).setErrorCode((short) 87).setBaseOffset(-1).setLogAppendTimeMs(-1).setLogStartOffset(5);
        if (version >= 8) {
            bad.setErrorMessage("bad records");
            bad.setRecordErrors(List.of(
                    new ProduceResponseData.BatchIndexAndErrorMessage().setBatchIndex(1)
                            .setBatchIndexErrorMessage("no key"),
                    new ProduceResponseData.BatchIndexAndErrorMessage().setBatchIndex(2)
                            .setBatchIndexErrorMessage(null)));
        }
        ProduceResponseData.PartitionProduceResponse good = new ProduceResponseData.PartitionProduceResponse()
                .setIndex(4).setBaseOffset(123456789012L).setLogAppendTimeMs(1700000000000L).setLogStartOffset(6);
        ProduceResponseData.TopicProduceResponse words = new ProduceResponseData.TopicProduceResponse()
                .setName("words").setPartitionResponses(List.of(bad, good));
        ProduceResponseData data = new ProduceResponseData().setThrottleTimeMs(11);
        data.responses().add(words);
        return data;
    }

    static FetchRequestData fetchRequest(int version) {
        FetchRequestData.FetchPartition first = new FetchRequestData.FetchPartition().setPartition(1)
                .setFetchOffset(1000000000000L).setCurrentLeaderEpoch(8).setLogStartOffset(17)
                .setPartitionMaxBytes(1048576);
        FetchRequestData.FetchPartition second = new FetchRequestData.FetchPartition().setPartition(2)
                .setFetchOffset(4).setPartitionMaxBytes(9);
        if (version >= 12) {
            first.setLastFetchedEpoch(7);
        }
        FetchRequestData data = new FetchRequestData().setReplicaId(5).setMaxWaitMs(500).setMinBytes(1)
                .setMaxBytes(52428800).setIsolationLevel((byte) 1).setRackId("rack-a").setClusterId("cluster")
                .setTopics(List.of(new FetchRequestData.FetchTopic().setTopic("words")
                        .setPartitions(List.of(first, second))));
        if (version >= 7) {
            data.setSessionId(99).setSessionEpoch(3);
            data.setForgottenTopicsData(List.of(
                    new FetchRequestData.ForgottenTopic().setTopic("gone").setPartitions(List.of(4, 5))));
        }
        return data;
    }

    static FetchResponseData fetchResponse(int version) {
        FetchResponseData.PartitionData first = new FetchResponseData.PartitionData().setPartitionIndex(1)
                .setErrorCode((short) 0).setHighWatermark(1002).setLastStableOffset(1001).setLogStartOffset(17)
                .setAbortedTransactions(List.of(
                        new FetchResponseData.AbortedTransaction().setProducerId(4000).setFirstOffset(1000)))
                .setRecords(batch());
        FetchResponseData.PartitionData second = new FetchResponseData.PartitionData().setPartitionIndex(2)
                .setErrorCode((short) 1).setHighWatermark(-1).setRecords(MemoryRecords.EMPTY)
                .setAbortedTransactions(List.of());
        if (version >= 11) {
            first.setPreferredReadReplica(2);
        }
        if (version >= 12) {
            first.setDivergingEpoch(new FetchResponseData.EpochEndOffset().setEpoch(6).setEndOffset(900));
            first.setCurrentLeader(new FetchResponseData.LeaderIdAndEpoch().setLeaderId(2).setLeaderEpoch(9));
            second.setSnapshotId(new FetchResponseData.SnapshotId().setEndOffset(31).setEpoch(2));
        }
        FetchResponseData data = new FetchResponseData().setThrottleTimeMs(12).setErrorCode((short) 70)
                .setResponses(List.of(new FetchResponseData.FetchableTopicResponse().setTopic("words")
                        .setPartitions(List.of(first, second))));
        if (version >= 7) {
            data.setSessionId(99);
        }
        return data;
    }

    static FetchResponseData fetchResponseNulls(int version) {
        FetchResponseData.PartitionData only = new FetchResponseData.PartitionData().setPartitionIndex(1)
                .setHighWatermark(3).setAbortedTransactions(null).setRecords(null);
        return new FetchResponseData().setResponses(List.of(new FetchResponseData.FetchableTopicResponse()
                .setTopic("words").setPartitions(List.of(only))));
    }

    static ListOffsetsRequestData listOffsetsRequest(int version) {
        ListOffsetsRequestData data = new ListOffsetsRequestData().setReplicaId(-1)
                .setTopics(List.of(new ListOffsetsRequestData.ListOffsetsTopic().setName("words").setPartitions(
                        List.of(new ListOffsetsRequestData.ListOffsetsPartition().setPartitionIndex(1)
                                        .setCurrentLeaderEpoch(8).setTimestamp(-2),
                                new ListOffsetsRequestData.ListOffsetsPartition().setPartitionIndex(2)
                                        .setTimestamp(1700000000000L)))));
        if (version >= 2) {
            data.setIsolationLevel((byte) 1);
        }
        return data;
    }

    static ListOffsetsResponseData listOffsetsResponse(int version) {
        ListOffsetsResponseData.ListOffsetsPartitionResponse only =
                new ListOffsetsResponseData.ListOffsetsPartitionResponse().setPartitionIndex(1)
                        .setErrorCode((short) 6).setTimestamp(1700000000000L).setOffset(55);
        if (version >= 4) {
            only.setLeaderEpoch(8);
        }
        return new ListOffsetsResponseData().setThrottleTimeMs(13)
                .setTopics(List.of(new ListOffsetsResponseData.ListOffsetsTopicResponse().setName("words")
                        .setPartitions(List.of(only))));
    }

    static MetadataRequestData metadataRequest(int version) {
        MetadataRequestData data = new MetadataRequestData().setTopics(List.of(
                new MetadataRequestData.MetadataRequestTopic().setName("words").setTopicId(ID),
                new MetadataRequestData.MetadataRequestTopic().setName("th\u00e8me")));
        if (version >= 4) {
            data.setAllowAutoTopicCreation(false);
        }
        if (version >= 8) {
            data.setIncludeTopicAuthorizedOperations(true);
            data.setIncludeClusterAuthorizedOperations(version <= 10);
        }
        return data;
    }

    static MetadataResponseData metadataResponse(int version) {
        MetadataResponseData.MetadataResponsePartition partition =
                new MetadataResponseData.MetadataResponsePartition().setErrorCode((short) 9).setPartitionIndex(3)
                        .setLeaderId(1).setLeaderEpoch(8).setReplicaNodes(List.of(1, 2, 3))
                        .setIsrNodes(List.of(1, 2)).setOfflineReplicas(List.of(3));
        MetadataResponseData.MetadataResponseTopic topic = new MetadataResponseData.MetadataResponseTopic()
                .setErrorCode((short) 0).setName("words").setTopicId(ID).setIsInternal(true)
                .setPartitions(List.of(partition));
        MetadataResponseData data = new MetadataResponseData().setThrottleTimeMs(14).setClusterId("cluster")
                .setControllerId(1);
        if (version >= 8) {
            topic.setTopicAuthorizedOperations(0x0f);
        }
        if (version >= 8 && version <= 10) {
            data.setClusterAuthorizedOperations(0xf0);
        }
        data.brokers().add(new MetadataResponseData.MetadataResponseBroker().setNodeId(1).setHost("127.0.0.1")
                .setPort(9092).setRack("rack-a"));
        data.brokers().add(new MetadataResponseData.MetadataResponseBroker().setNodeId(2).setHost("localhost")
                .setPort(9192).setRack(null));
        data.topics().add(topic);
        return data;
    }

    static MetadataResponseData metadataResponseNulls() {
        MetadataResponseData data = new MetadataResponseData().setClusterId(null);
        data.topics().add(new MetadataResponseData.MetadataResponseTopic().setErrorCode((short) 100).setName(null)
                .setTopicId(ID));
        return data;
    }

    static FindCoordinatorRequestData findCoordinatorRequest(int version) {
        FindCoordinatorRequestData data = new FindCoordinatorRequestData();
        if (version >= 1) {
            data.setKeyType((byte) 1);
        }
        return version >= 4 ? data.setCoordinatorKeys(List.of("group", "other")) : data.setKey("group");
    }

    static FindCoordinatorResponseData findCoordinatorResponse(int version) {
        FindCoordinatorResponseData data = new FindCoordinatorResponseData().setThrottleTimeMs(15);
        if (version >= 4) {
            return data.setCoordinators(List.of(
                    new FindCoordinatorResponseData.Coordinator().setKey("group").setNodeId(1).setHost("127.0.0.1")
                            .setPort(9092).setErrorCode((short) 0).setErrorMessage(null),
                    new FindCoordinatorResponseData.Coordinator().setKey("other").setNodeId(-1).setHost("")
                            .setPort(-1).setErrorCode((short) 35).setErrorMessage("not here")));
        }
        return data.setErrorCode((short) 35).setErrorMessage("not here").setNodeId(1).setHost("127.0.0.1")
                .setPort(9092);
    }

    static ApiVersionsRequestData apiVersionsRequest() {
        return new ApiVersionsRequestData().setClientSoftwareName("ringlog").setClientSoftwareVersion("1.0");
    }

    static ApiVersionsResponseData apiVersionsResponse() {
        ApiVersionsResponseData data = new ApiVersionsResponseData().setErrorCode((short) 35).setThrottleTimeMs(16)
                .setFinalizedFeaturesEpoch(21).setZkMigrationReady(true);
        data.apiKeys().add(new ApiVersionsResponseData.ApiVersion().setApiKey((short) 18).setMinVersion((short) 0)
                .setMaxVersion((short) 4));
        data.apiKeys().add(new ApiVersionsResponseData.ApiVersion().setApiKey((short) 1).setMinVersion((short) 4)
                .setMaxVersion((short) 12));
        data.supportedFeatures().add(new ApiVersionsResponseData.SupportedFeatureKey().setName("metadata.version")
                .setMinVersion((short) 1).setMaxVersion((short) 20));
        data.finalizedFeatures().add(new ApiVersionsResponseData.FinalizedFeatureKey().setName("metadata.version")
                .setMaxVersionLevel((short) 19).setMinVersionLevel((short) 18));
        return data;
    }

    static CreateTopicsRequestData createTopicsRequest() {
        CreateTopicsRequestData.CreatableTopic topic = new CreateTopicsRequestData.CreatableTopic().setName("words")
                .setNumPartitions(-1).setReplicationFactor((short) -1);
        topic.assignments().add(new CreateTopicsRequestData.CreatableReplicaAssignment().setPartitionIndex(0)
                .setBrokerIds(List.of(1, 2)));
        topic.configs().add(new CreateTopicsRequestData.CreatableTopicConfig().setName("retention.ms")
                .setValue("1000"));
        topic.configs().add(new CreateTopicsRequestData.CreatableTopicConfig().setName("cleanup.policy")
                .setValue(null));
        CreateTopicsRequestData data = new CreateTopicsRequestData().setTimeoutMs(1234).setValidateOnly(true);
        data.topics().add(topic);
        data.topics().add(new CreateTopicsRequestData.CreatableTopic().setName("plain").setNumPartitions(6)
                .setReplicationFactor((short) 3));
        return data;
    }

    static CreateTopicsResponseData createTopicsResponse() {
        CreateTopicsResponseData data = new CreateTopicsResponseData().setThrottleTimeMs(17);
        data.topics().add(new CreateTopicsResponseData.CreatableTopicResult().setName("words").setTopicId(ID)
                .setErrorCode((short) 36).setErrorMessage("exists").setTopicConfigErrorCode((short) 29)
                .setNumPartitions(6).setReplicationFactor((short) 3)
                .setConfigs(List.of(new CreateTopicsResponseData.CreatableTopicConfigs().setName("retention.ms")
                        .setValue("1000").setReadOnly(true).setConfigSource((byte) 1).setIsSensitive(true))));
        return data;
    }

    static CreateTopicsResponseData createTopicsResponseNulls() {
        CreateTopicsResponseData data = new CreateTopicsResponseData();
        data.topics().add(new CreateTopicsResponseData.CreatableTopicResult().setName("words").setErrorMessage(null)
                .setConfigs(null));
        return data;
    }

    static DeleteTopicsRequestData deleteTopicsRequest(int version) {
        DeleteTopicsRequestData data = new DeleteTopicsRequestData().setTimeoutMs(1234);
        return version >= 6
                ? data.setTopics(List.of(new DeleteTopicsRequestData.DeleteTopicState().setName("words")))
                : data.setTopicNames(List.of("words", "th\u00e8me"));
    }

    static DeleteTopicsRequestData deleteTopicsRequestNulls() {
        return new DeleteTopicsRequestData().setTopics(
                List.of(new DeleteTopicsRequestData.DeleteTopicState().setName(null).setTopicId(ID)));
    }

    static DeleteTopicsResponseData deleteTopicsResponse() {
        DeleteTopicsResponseData data = new DeleteTopicsResponseData().setThrottleTimeMs(18);
        data.responses().add(new DeleteTopicsResponseData.DeletableTopicResult().setName("words").setTopicId(ID)
                .setErrorCode((short) 3).setErrorMessage("unknown"));
        return data;
    }

    static DeleteTopicsResponseData deleteTopicsResponseNulls() {
        DeleteTopicsResponseData data = new DeleteTopicsResponseData();
        data.responses().add(new DeleteTopicsResponseData.DeletableTopicResult().setName(null).setTopicId(ID)
                .setErrorMessage(null));
        return data;
    }

    static InitProducerIdRequestData initProducerIdRequest(int version) {
        InitProducerIdRequestData data = new InitProducerIdRequestData().setTransactionalId("tx")
                .setTransactionTimeoutMs(60000);
        return version >= 3 ? data.setProducerId(4000).setProducerEpoch((short) 2) : data;
    }

    static InitProducerIdResponseData initProducerIdResponse() {
        return new InitProducerIdResponseData().setThrottleTimeMs(19).setErrorCode((short) 51).setProducerId(4001)
                .setProducerEpoch((short) 3);
    }
}
