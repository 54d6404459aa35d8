// Records to JSON and back. Explained in cluster/model.h.
#include "cluster/model.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

namespace ringlog::cluster {

namespace {

using Json = nlohmann::json;

constexpr int64_t kVersion = 1;

Json begin_record() {
    return Json{{"v", kVersion}};
}

std::string finish(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Reads fields; remembers whether any was missing or wrong, so that a decoder is a list of fields.
class Fields {
public:
    explicit Fields(const Json& json) : json_(json) {}

    [[nodiscard]] bool ok() const { return ok_; }

    const Json* find(const char* name) {
        const auto found = json_.is_object() ? json_.find(name) : json_.end();
        if (found == json_.end()) {
            ok_ = false;
            return nullptr;
        }
        return &*found;
    }
    void text(const char* name, std::string& to) {
        const Json* value = find(name);
        if (value != nullptr && value->is_string()) {
            to = value->get_ref<const std::string&>();
        } else {
            ok_ = false;
        }
    }
    template <typename T>
    void integer(const char* name, T& to) {
        const Json* value = find(name);
        if (value == nullptr || !integer_of(*value, to)) {
            ok_ = false;
        }
    }
    void uuid(const char* name, Uuid& to) {
        std::string value;
        text(name, value);
        const std::optional<Uuid> id = Uuid::from_base64(value);
        if (id.has_value()) {
            to = *id;
        } else {
            ok_ = false;
        }
    }
    void integers(const char* name, std::vector<int32_t>& to) {
        const Json* values = array(name);
        if (values == nullptr) {
            return;
        }
        for (const Json& value : *values) {
            int32_t one = 0;
            ok_ = integer_of(value, one) && ok_;
            to.push_back(one);
        }
    }
    const Json* array(const char* name) {
        const Json* values = find(name);
        if (values != nullptr && !values->is_array()) {
            ok_ = false;
            return nullptr;
        }
        return values;
    }
    void absorb(const Fields& inner) { ok_ = ok_ && inner.ok(); }
    void refuse() { ok_ = false; }

private:
    template <typename T>
    static bool integer_of(const Json& value, T& to) {
        if (!value.is_number_integer()) {
            return false;
        }
        const auto number = value.get<int64_t>();
        if (number < static_cast<int64_t>(std::numeric_limits<T>::min()) ||
            number > static_cast<int64_t>(std::numeric_limits<T>::max())) {
            return false;
        }
        to = static_cast<T>(number);
        return true;
    }

    const Json& json_;
    bool ok_ = true;
};

void read(Fields& fields, ClusterRecord& record) {
    fields.text("cluster_id", record.cluster_id);
}

void read(Fields& fields, BrokerRecord& record) {
    fields.integer("node_id", record.node_id);
    fields.integer("epoch", record.epoch);
    fields.uuid("incarnation", record.incarnation);
    fields.text("rack", record.rack);
    const Json* endpoints = fields.array("endpoints");
    if (endpoints == nullptr) {
        return;
    }
    for (const Json& json : *endpoints) {
        Fields inner(json);
        Endpoint endpoint;
        inner.text("listener", endpoint.listener);
        inner.text("security_protocol", endpoint.security_protocol);
        inner.text("host", endpoint.host);
        inner.integer("port", endpoint.port);
        fields.absorb(inner);
        record.endpoints.push_back(std::move(endpoint));
    }
}

void read(Fields& fields, TopicRecord& record) {
    fields.text("name", record.name);
    fields.uuid("id", record.id);
    fields.integer("partition_count", record.partition_count);
    if (record.partition_count < 1) {
        fields.refuse();
    }
}

void read(Fields& fields, ConfigMap& record) {
    const Json* configs = fields.find("configs");
    if (configs == nullptr || !configs->is_object()) {
        fields.refuse();
        return;
    }
    for (const auto& [name, value] : configs->items()) {
        if (!value.is_string()) {
            fields.refuse();
            return;
        }
        record.emplace(name, value.get_ref<const std::string&>());
    }
}

void read(Fields& fields, PartitionChunkRecord& record) {
    const Json* partitions = fields.array("partitions");
    if (partitions == nullptr) {
        return;
    }
    record.partitions.reserve(partitions->size());
    for (const Json& json : *partitions) {
        Fields inner(json);
        PartitionState& state = record.partitions.emplace_back();
        inner.integers("replicas", state.replicas);
        inner.integers("isr", state.isr);
        inner.integer("leader", state.leader);
        inner.integer("leader_epoch", state.leader_epoch);
        inner.integer("partition_epoch", state.partition_epoch);
        fields.absorb(inner);
    }
}

void read(Fields& fields, DeletedTopicRecord& record) {
    fields.text("name", record.name);
    fields.integer("partition_count", record.partition_count);
}

void read(Fields& fields, ProducerIdsRecord& record) {
    fields.integer("next", record.next);
}

}  // namespace

std::string encode(const ClusterRecord& record) {
    Json json = begin_record();
    json["cluster_id"] = record.cluster_id;
    return finish(json);
}

std::string encode(const BrokerRecord& record) {
    Json json = begin_record();
    json["node_id"] = record.node_id;
    json["epoch"] = record.epoch;
    json["incarnation"] = record.incarnation.to_base64();
    json["rack"] = record.rack;
    Json endpoints = Json::array();
    for (const Endpoint& endpoint : record.endpoints) {
        endpoints.push_back({{"listener", endpoint.listener},
                             {"security_protocol", endpoint.security_protocol},
                             {"host", endpoint.host},
                             {"port", endpoint.port}});
    }
    json["endpoints"] = std::move(endpoints);
    return finish(json);
}

std::string encode(const TopicRecord& record) {
    Json json = begin_record();
    json["name"] = record.name;
    json["id"] = record.id.to_base64();
    json["partition_count"] = record.partition_count;
    return finish(json);
}

std::string encode(const ConfigMap& record) {
    Json json = begin_record();
    Json configs = Json::object();
    for (const auto& [name, value] : record) {
        configs[name] = value;
    }
    json["configs"] = std::move(configs);
    return finish(json);
}

std::string encode(const PartitionChunkRecord& record) {
    Json json = begin_record();
    Json partitions = Json::array();
    for (const PartitionState& state : record.partitions) {
        partitions.push_back({{"replicas", state.replicas},
                              {"isr", state.isr},
                              {"leader", state.leader},
                              {"leader_epoch", state.leader_epoch},
                              {"partition_epoch", state.partition_epoch}});
    }
    json["partitions"] = std::move(partitions);
    return finish(json);
}

std::string encode(const DeletedTopicRecord& record) {
    Json json = begin_record();
    json["name"] = record.name;
    json["partition_count"] = record.partition_count;
    return finish(json);
}

std::string encode(const ProducerIdsRecord& record) {
    Json json = begin_record();
    json["next"] = record.next;
    return finish(json);
}

template <typename R>
Result<R> decode(std::string_view value) {
    const Json json = Json::parse(value, nullptr, false);
    int64_t version = 0;
    Fields fields(json);
    fields.integer("v", version);
    if (!fields.ok() || version < 1) {
        return fail(Errc::malformed);
    }
    if (version > kVersion) {
        return fail(Errc::version_unknown);
    }
    R record;
    read(fields, record);
    if (!fields.ok()) {
        return fail(Errc::malformed);
    }
    return record;
}

template Result<ClusterRecord> decode(std::string_view value);
template Result<BrokerRecord> decode(std::string_view value);
template Result<TopicRecord> decode(std::string_view value);
template Result<ConfigMap> decode(std::string_view value);
template Result<PartitionChunkRecord> decode(std::string_view value);
template Result<DeletedTopicRecord> decode(std::string_view value);
template Result<ProducerIdsRecord> decode(std::string_view value);

}  // namespace ringlog::cluster
