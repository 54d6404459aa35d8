// The decisions about topics, leaders and producer ids, written to the metadata store. One core
// owns it; other cores ask with io::call_on. Today one node decides alone. Explained in
// cluster/README.md.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "cluster/image.h"
#include "cluster/image_follower.h"
#include "cluster/metadata_store.h"
#include "cluster/start_failure.h"
#include "cluster/topic_plan.h"
#include "io/event.h"
#include "io/reactor.h"
#include "kafka/error_code.h"

namespace ringlog::cluster {

struct ControllerOptions {
    int32_t node_id = 1;
    std::string rack;                 ///< Empty: none.
    std::vector<Endpoint> endpoints;  ///< What clients are told.
    TopicDefaults defaults;
    bool delete_topics = true;  ///< delete.topic.enable
    bool sole_node =
        true;  ///< The store is this node's own: a registration of another node is refused.
};

/// How one topic of a request went.
struct CreatedTopic {
    std::string name;
    TopicError error;  ///< code none: it exists now, or would (validate only).
    Uuid id;           ///< Zero if only validated.
    int32_t partition_count = -1;
    int16_t replication_factor = -1;
    ConfigMap configs;  ///< What it overrides.
};

/// A topic to delete, by name or by id.
using TopicReference = std::variant<std::string, Uuid>;
struct DeletedTopic {
    std::string name;  ///< Empty if it was named by an id that is unknown.
    Uuid id;
    TopicError error;
};

/// Ids [first, first + count), for this broker alone.
struct ProducerIdBlock {
    int64_t first = 0;
    int32_t count = 0;
};

/// Every change is answered when it is durable in the store and every core (the ImageListener) has
/// the image with it. Changes run one after another, in the order of their calls.
class Controller {
public:
    static constexpr int32_t kProducerIdBlock = 1000;

    using Opened = std::expected<std::unique_ptr<Controller>, StartFailure>;
    /// Reads the metadata, creates the cluster id if there is none, registers this broker under a
    /// new broker epoch, and raises the leader epoch of every partition that it leads, in one group
    /// of writes (several where the store's limit asks for it, the registration first). `store` and
    /// `listener` (may be null) outlive it.
    static io::Task<Opened> open(io::Reactor& reactor, MetadataStore& store,
                                 ControllerOptions options, ImageListener* listener);
    Controller(io::Reactor& reactor, MetadataStore& store, ControllerOptions options,
               ImageListener* listener);

    /// The newest image that every core has.
    [[nodiscard]] const ImagePtr& image() const { return follower_.image(); }
    [[nodiscard]] int64_t broker_epoch() const { return broker_epoch_; }

    /// CreateTopics: one result per topic, in order. Topics of one request are written together; a
    /// topic that fails its checks does not keep the others. Of two requests for one name at once,
    /// the second waits and then sees the topic.
    io::Task<std::vector<CreatedTopic>> create_topics(std::vector<NewTopic> topics,
                                                      bool validate_only);
    /// Creates those that are missing, with the defaults. Any number of callers at once may name
    /// the same topic: all are answered when it is there. Results as create_topics, with the
    /// existing topic where there was one.
    io::Task<std::vector<CreatedTopic>> ensure_topics(std::vector<std::string> names);
    /// DeleteTopics: clients no longer see the topics; MetadataImage::deleted_topics() names those
    /// whose data remains.
    io::Task<std::vector<DeletedTopic>> delete_topics(std::vector<TopicReference> topics);
    /// The data of deleted topics is gone from this broker's disk. An unknown id is not an error.
    io::Task<Result<void>> remove_deleted_topics(std::vector<Uuid> ids);
    /// A block that no broker was given before, durably. Errors: of the store.
    io::Task<Result<ProducerIdBlock>> allocate_producer_ids();

    /// Waits for changes that run; later ones are refused with not_controller (or closed). Awaited
    /// before destruction.
    io::Task<void> close();

private:
    struct Planned {
        size_t index;  ///< In the request.
        TopicPlan plan;
    };

    io::Task<std::expected<void, StartFailure>> initialise();
    io::Task<Result<void>> write_cluster_id();
    io::Task<Result<void>> register_and_lead();
    [[nodiscard]] std::expected<void, StartFailure> check_node() const;
    [[nodiscard]] std::vector<Write> epoch_raises(std::vector<Condition>& conditions) const;

    /// Writes and waits until every core sees it.
    io::Task<Result<void>> commit(std::vector<Condition> conditions, std::vector<Write> writes);
    io::Task<void> commit_plans(std::vector<Planned> plans, std::vector<CreatedTopic>& results);
    io::Task<void> create_locked(std::vector<NewTopic> topics, bool validate_only,
                                 std::vector<CreatedTopic>& results);
    io::Task<void> delete_locked(std::vector<TopicReference> topics,
                                 std::vector<DeletedTopic>& results);
    io::Task<Result<ProducerIdBlock>> allocate_locked();
    [[nodiscard]] TopicError find_for_deletion(const TopicReference& reference,
                                               TopicPtr& topic) const;
    static CreatedTopic existing(const TopicImage& topic);
    /// The answer for a group that the store did not take.
    static TopicError store_error(const Error& error);

    io::Reactor& reactor_;
    MetadataStore& store_;
    ControllerOptions options_;
    ImageFollower follower_;
    io::Semaphore turn_;  ///< One change at a time.
    int64_t broker_epoch_ = 0;
    bool closed_ = false;
};

}  // namespace ringlog::cluster
