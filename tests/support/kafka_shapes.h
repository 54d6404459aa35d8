// Every message of the protocol behind one pair of functions, so that tests and fuzzers treat all
// of them alike: walk what was decoded to its last byte; decode, encode and decode again.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <type_traits>

#include "kafka/api_versions.h"
#include "kafka/create_topics.h"
#include "kafka/delete_topics.h"
#include "kafka/fetch.h"
#include "kafka/find_coordinator.h"
#include "kafka/init_producer_id.h"
#include "kafka/list_offsets.h"
#include "kafka/metadata.h"
#include "kafka/produce.h"

namespace ringlog::kafka {

/// Visits every field, every element at every depth and every byte that a view points to.
struct Walker {
    uint64_t sum = 0;

    template <typename T>
    void field(const T& value, Versions = {}, Versions = {}) {
        visit(value);
    }
    template <typename T>
    void tagged(uint32_t, const T& value, Versions, const std::type_identity_t<T>&) {
        visit(value);
    }

private:
    template <typename T>
    void visit(const T& value) {
        if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
            sum += static_cast<uint64_t>(value);
        } else if constexpr (std::is_same_v<T, std::string_view>) {
            add(as_bytes(value));
        } else if constexpr (std::is_same_v<T, Blob>) {
            add(value.bytes);
        } else if constexpr (std::is_same_v<T, Uuid>) {
            add(value.bytes);
        } else if constexpr (requires { value.has_value(); }) {
            if (value) {
                visit(*value);
            }
        } else if constexpr (requires { value.begin(); }) {
            size_t count = 0;
            for (const auto& element : value) {
                visit(element);
                ++count;
            }
            RL_ASSERT(count == value.size(), "a checked list ended early");
        } else {
            T::fields(value, *this);
        }
    }
    void add(ByteView bytes) {
        for (const std::byte byte : bytes) {
            sum += static_cast<uint64_t>(byte);
        }
    }
};

/// One message type.
struct Shape {
    ApiKey key;
    bool request;
    /// False if the bytes are not this message to their last byte; else walks all of it.
    bool (*walk)(ByteView bytes, int16_t version);
    /// False if decoding `bytes`, encoding the result and decoding that gives another message, or
    /// if encoding once more gives other bytes. True for bytes that are no message.
    bool (*round_trip)(ByteView bytes, int16_t version);
};

template <Message T>
bool walk_message(ByteView bytes, int16_t version) {
    const auto message = decode<T>(bytes, version);
    if (!message) {
        return false;
    }
    Walker walker;
    T::fields(*message, walker);
    return true;
}

template <Message T>
bool round_trip_message(ByteView bytes, int16_t version) {
    const auto message = decode<T>(bytes, version);
    if (!message) {
        return true;
    }
    Writer first;
    encode(first, *message, version);
    const auto again = decode<T>(first.bytes(), version);
    if (!first.ok() || !again || !(*again == *message)) {
        return false;
    }
    Writer second;
    encode(second, *again, version);
    return std::ranges::equal(first.bytes(), second.bytes());
}

template <Message T>
constexpr Shape shape_of(bool request) {
    return {.key = T::kApi,
            .request = request,
            .walk = walk_message<T>,
            .round_trip = round_trip_message<T>};
}

/// Requests first, then responses, each in the order of kApis.
inline constexpr auto kShapes = std::to_array<Shape>({
    shape_of<ProduceRequest>(true),
    shape_of<FetchRequest>(true),
    shape_of<ListOffsetsRequest>(true),
    shape_of<MetadataRequest>(true),
    shape_of<FindCoordinatorRequest>(true),
    shape_of<ApiVersionsRequest>(true),
    shape_of<CreateTopicsRequest>(true),
    shape_of<DeleteTopicsRequest>(true),
    shape_of<InitProducerIdRequest>(true),
    shape_of<ProduceResponse>(false),
    shape_of<FetchResponse>(false),
    shape_of<ListOffsetsResponse>(false),
    shape_of<MetadataResponse>(false),
    shape_of<FindCoordinatorResponse>(false),
    shape_of<ApiVersionsResponse>(false),
    shape_of<CreateTopicsResponse>(false),
    shape_of<DeleteTopicsResponse>(false),
    shape_of<InitProducerIdResponse>(false),
});
static_assert(kShapes.size() == 2 * kApis.size(),
              "an API without a shape is neither tested nor fuzzed");

/// The shape of ("Fetch", request), or nullptr.
constexpr const Shape* find_shape(std::string_view api, bool request) {
    for (const Shape& shape : kShapes) {
        if (shape.request == request && api_name(shape.key) == api) {
            return &shape;
        }
    }
    return nullptr;
}

}  // namespace ringlog::kafka
