// Prints golden bytes of the protocol as Kafka's own client library writes them.
// `messages`: one line per message: api, direction, version, sample, hex. `errors`: one line per code: number, name.
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.function.IntFunction;
import org.apache.kafka.common.message.*;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

public final class RecordGolden {
    private static final PrintStream OUT = System.out;

    private static String hex(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private static void line(String api, String direction, int version, String sample, Message message) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer bytes = ByteBuffer.allocate(message.size(cache, (short) version));
        message.write(new ByteBufferAccessor(bytes), cache, (short) version);
        OUT.println(api + " " + direction + " " + version + " " + sample + " " + hex(bytes.flip()));
    }

    /** One sample of one message, in each version of a range (both ends included). */
    private static void range(
            String api, String direction, int first, int last, String sample, IntFunction<Message> build) {
        for (int version = first; version <= last; version++) {
            line(api, direction, version, sample, build.apply(version));
        }
    }

    private static void both(String api, int first, int last, String sample, IntFunction<Message> request,
            IntFunction<Message> response) {
        range(api, "request", first, last, sample, request);
        range(api, "response", first, last, sample, response);
    }

    private static void messages() {
        OUT.println("RecordBatch - 2 full " + hex(Samples.batch().buffer()));
        range("RequestHeader", "request", 1, 2, "full", v -> Samples.requestHeader());
        range("RequestHeader", "request", 1, 2, "nulls", v -> Samples.requestHeader().setClientId(null));
        range("ResponseHeader", "response", 0, 1, "full", v -> new ResponseHeaderData().setCorrelationId(77));

        both("Produce", 3, 9, "minimal", v -> new ProduceRequestData(), v -> new ProduceResponseData());
        both("Produce", 3, 9, "full", Samples::produceRequest, Samples::produceResponse);
        range("Produce", "request", 3, 9, "nulls", v -> Samples.produceRequestNulls());
        both("Fetch", 4, 12, "minimal", v -> new FetchRequestData(), v -> new FetchResponseData());
        both("Fetch", 4, 12, "full", Samples::fetchRequest, Samples::fetchResponse);
        range("Fetch", "response", 4, 12, "nulls", Samples::fetchResponseNulls);
        both("ListOffsets", 1, 7, "minimal", v -> new ListOffsetsRequestData(), v -> new ListOffsetsResponseData());
        both("ListOffsets", 1, 7, "full", Samples::listOffsetsRequest, Samples::listOffsetsResponse);
        both("Metadata", 0, 12, "minimal", v -> new MetadataRequestData(), v -> new MetadataResponseData());
        both("Metadata", 0, 12, "full", Samples::metadataRequest, Samples::metadataResponse);
        range("Metadata", "request", 1, 12, "nulls", v -> new MetadataRequestData().setTopics(null));
        range("Metadata", "response", 12, 12, "nulls", v -> Samples.metadataResponseNulls());
        both("FindCoordinator", 0, 4, "minimal", v -> new FindCoordinatorRequestData(),
                v -> new FindCoordinatorResponseData());
        both("FindCoordinator", 0, 4, "full", Samples::findCoordinatorRequest, Samples::findCoordinatorResponse);
        both("ApiVersions", 0, 4, "minimal", v -> new ApiVersionsRequestData(), v -> new ApiVersionsResponseData());
        both("ApiVersions", 0, 4, "full", v -> Samples.apiVersionsRequest(), v -> Samples.apiVersionsResponse());
        both("CreateTopics", 2, 7, "minimal", v -> new CreateTopicsRequestData(), v -> new CreateTopicsResponseData());
        both("CreateTopics", 2, 7, "full", v -> Samples.createTopicsRequest(), v -> Samples.createTopicsResponse());
        range("CreateTopics", "response", 2, 7, "nulls", v -> Samples.createTopicsResponseNulls());
        both("DeleteTopics", 1, 6, "minimal", v -> new DeleteTopicsRequestData(), v -> new DeleteTopicsResponseData());
        both("DeleteTopics", 1, 6, "full", Samples::deleteTopicsRequest, v -> Samples.deleteTopicsResponse());
        both("DeleteTopics", 6, 6, "nulls", v -> Samples.deleteTopicsRequestNulls(),
                v -> Samples.deleteTopicsResponseNulls());
        both("InitProducerId", 0, 4, "minimal", v -> new InitProducerIdRequestData(),
                v -> new InitProducerIdResponseData());
        both("InitProducerId", 0, 4, "full", Samples::initProducerIdRequest, v -> Samples.initProducerIdResponse());
        range("InitProducerId", "request", 0, 4, "nulls",
                v -> new InitProducerIdRequestData().setTransactionalId(null).setTransactionTimeoutMs(9));
    }

    public static void main(String[] args) {
        if (args[0].equals("errors")) {
            for (Errors error : Errors.values()) {
                OUT.println(error.code() + " " + error.name());
            }
        } else {
            messages();
        }
    }
}
