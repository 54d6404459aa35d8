// The admin port: real HTTP over loopback, answered by a core; metrics as Prometheus reads them.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>

#include "broker/admin_server.h"
#include "broker/admin_site.h"
#include "io/block_on.h"
#include "io/runtime.h"

namespace ringlog::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// Everything that 127.0.0.1:`port` sends until it closes.
std::string http(uint16_t port, const std::string& request) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    std::string answer;
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
        send(fd, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size())) {
        char buffer[4096];
        for (ssize_t got = 1; got > 0;) {
            got = recv(fd, buffer, sizeof(buffer), 0);
            answer.append(buffer, got > 0 ? static_cast<size_t>(got) : 0);
        }
    }
    close(fd);
    return answer;
}

std::string get(uint16_t port, const std::string& path) {
    return http(port, "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

class FixedPages final : public AdminPages {
public:
    HttpAnswer get(std::string_view path) override {
        return path == "/there" ? HttpAnswer{.body = "body of it"}
                                : HttpAnswer{.status = 404, .body = "no"};
    }
};

TEST(AdminServer, ServesPagesOverLoopback) {
    FixedPages pages;
    auto server = AdminServer::start({"127.0.0.1", 0}, pages);
    ASSERT_TRUE(server.has_value()) << server.error();
    const uint16_t port = (*server)->port();
    EXPECT_THAT(get(port, "/there?x=1"), HasSubstr("HTTP/1.1 200"));
    EXPECT_THAT(get(port, "/there"), HasSubstr("body of it"));
    EXPECT_THAT(get(port, "/other"), HasSubstr("HTTP/1.1 404"));
    EXPECT_THAT(
        http(
            port,
            "POST /there HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"),
        HasSubstr("HTTP/1.1 405"));
    const std::string head =
        http(port, "HEAD /there HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(head, HasSubstr("HTTP/1.1 200"));
    EXPECT_THAT(head, Not(HasSubstr("body of it")));
    EXPECT_THAT(http(port, std::string(100'000, 'x')), Not(HasSubstr("200")));
}

TEST(AdminServer, APortInUseIsExplained) {
    FixedPages pages;
    auto first = AdminServer::start({"127.0.0.1", 0}, pages);
    ASSERT_TRUE(first.has_value());
    const auto second = AdminServer::start({"127.0.0.1", (*first)->port()}, pages);
    ASSERT_FALSE(second.has_value());
    EXPECT_THAT(second.error(), HasSubstr("Address already in use"));
    EXPECT_FALSE(AdminServer::start({"not.an.address.invalid", 0}, pages).has_value());
}

class TestSource final : public AdminSource {
public:
    explicit TestSource(io::Reactor& reactor) : reactor_(reactor) {}

    io::Task<BrokerStatus> status() override {
        co_await reactor_.yield();
        co_return answer;
    }
    io::Task<std::vector<MetricSnapshot>> metrics() override {
        co_await reactor_.yield();
        CoreMetrics core;
        core.add(Counter::produce_bytes, 77);
        core.set(Gauge::connections, 3);
        core.count_request(kafka::ApiKey{0});
        core.record(Timing::produce, 150 * kMicrosecondNs);
        core.record(Timing::produce, 3 * kMillisecondNs);
        std::vector<MetricSnapshot> snapshots(2);
        for (uint16_t i = 0; i < 2; ++i) {
            snapshots[i].core = i;
            collect(core, snapshots[i]);
            collect(reactor_.counters(), snapshots[i]);
        }
        co_return snapshots;
    }

    BrokerStatus answer;

private:
    io::Reactor& reactor_;
};

/// One core with a bridge, and the real server in front.
class AdminSiteTest : public ::testing::Test {
protected:
    AdminSiteTest() {
        auto created = io::Runtime::create({.cpus = {io::allowed_cpus().front()}, .pin = false});
        RL_ASSERT(created.has_value(), "{}", describe(created.error()));
        runtime_ = std::move(*created);
        source_.emplace(runtime_->reactor(io::CoreId(0)));
        source_->answer = {.ready = true,
                           .cluster_id = "cluster<1>",
                           .node_id = 7,
                           .durability = "power",
                           .listeners = {"PLAINTEXT://127.0.0.1:9092"},
                           .topic_count = 2,
                           .partition_count = 5,
                           .topics = {{"a", 1}, {"b", 4}}};
        auto server = AdminServer::start({"127.0.0.1", 0}, site_);
        RL_ASSERT(server.has_value(), "{}", server.error());
        server_ = std::move(*server);
    }
    ~AdminSiteTest() override { server_.reset(); }

    /// Runs `ask` on a helper while the core serves.
    void while_serving(const std::function<void()>& ask) {
        io::block_on(runtime_->reactor(io::CoreId(0)), serve(*this, ask));
    }
    static io::Task<void> serve(AdminSiteTest& test, const std::function<void()>& ask) {
        io::Reactor& reactor = test.runtime_->reactor(io::CoreId(0));
        io::TaskGroup group;
        group.spawn(test.bridge_.serve(reactor, *test.source_));
        co_await reactor.run_blocking([&ask] { ask(); });
        test.bridge_.close();
        co_await group.close();
    }

    AdminBridge bridge_;
    AdminSite site_{bridge_, "1.2.3"};
    std::unique_ptr<io::Runtime> runtime_;
    std::optional<TestSource> source_;
    std::unique_ptr<AdminServer> server_;
};

TEST_F(AdminSiteTest, BeforeAndAfterServingItIsNotReady) {
    EXPECT_THAT(get(server_->port(), "/readyz"), HasSubstr("503"));
    EXPECT_THAT(get(server_->port(), "/healthz"), HasSubstr("503"));
    while_serving([this] { EXPECT_THAT(get(server_->port(), "/readyz"), HasSubstr("200")); });
    EXPECT_THAT(get(server_->port(), "/readyz"), HasSubstr("503"));
}

TEST_F(AdminSiteTest, AHealthyBrokerShowsItself) {
    while_serving([this] {
        const uint16_t port = server_->port();
        EXPECT_THAT(get(port, "/healthz"), HasSubstr("ok"));
        const std::string page = get(port, "/");
        EXPECT_THAT(page, HasSubstr("text/html"));
        EXPECT_THAT(page, HasSubstr("cluster&lt;1&gt;"));
        EXPECT_THAT(page, HasSubstr("PLAINTEXT://127.0.0.1:9092"));
        EXPECT_THAT(page, HasSubstr("2 with 5 partitions"));
        EXPECT_THAT(page, HasSubstr("1.2.3"));
    });
}

TEST_F(AdminSiteTest, ProblemsMakeItUnhealthyAndDrainingUnready) {
    source_->answer.problems = {"journal 0 is closed for writing"};
    source_->answer.ready = false;
    while_serving([this] {
        const std::string health = get(server_->port(), "/healthz");
        EXPECT_THAT(health, HasSubstr("503"));
        EXPECT_THAT(health, HasSubstr("journal 0 is closed for writing"));
        EXPECT_THAT(get(server_->port(), "/readyz"), HasSubstr("503"));
    });
}

TEST_F(AdminSiteTest, MetricsComeFromEveryCore) {
    while_serving([this] {
        const std::string text = get(server_->port(), "/metrics");
        EXPECT_THAT(text, HasSubstr("# TYPE ringlog_produce_bytes_total counter"));
        EXPECT_THAT(text, HasSubstr("ringlog_produce_bytes_total{core=\"0\"} 77"));
        EXPECT_THAT(text, HasSubstr("ringlog_produce_bytes_total{core=\"1\"} 77"));
        EXPECT_THAT(text, HasSubstr("ringlog_connections{core=\"0\"} 3"));
        EXPECT_THAT(text, HasSubstr("ringlog_requests_total{core=\"0\",api=\"Produce\"} 1"));
        EXPECT_THAT(
            text,
            HasSubstr("ringlog_request_duration_seconds_count{core=\"0\",request=\"produce\"} 2"));
        EXPECT_THAT(text, HasSubstr("ringlog_request_duration_seconds_bucket{core=\"0\",request="
                                    "\"produce\",le=\"0.001\"} 1"));
        EXPECT_THAT(text, HasSubstr("ringlog_request_duration_seconds_bucket{core=\"0\",request="
                                    "\"produce\",le=\"+Inf\"} 2"));
        EXPECT_THAT(text, HasSubstr("ringlog_reactor_turns_total"));
        EXPECT_THAT(text, HasSubstr("process_resident_memory_bytes"));
    });
}

TEST(AdminBridge, WithoutAnybodyServingThereIsNoAnswerAndNoWait) {
    AdminBridge bridge;
    EXPECT_FALSE(bridge.status(10s).has_value());
    bridge.close();
    EXPECT_FALSE(bridge.metrics(10s).has_value());
}

TEST(MetricsText, EveryMetricOfTheTablesIsPrometheusConform) {
    MetricSnapshot snapshot;
    collect(CoreMetrics{}, snapshot);
    collect(io::ReactorCounters{}, snapshot);
    collect(engine::JournalCounters{}, snapshot);
    collect(engine::DestagerCounters{}, snapshot);
    collect(engine::ShardCounters{}, snapshot);
    for (const auto& sample : snapshot.samples) {
        const std::string name(sample.info->name);
        EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << name;
        EXPECT_EQ(name.ends_with("_total"), sample.info->type == MetricType::counter) << name;
        EXPECT_FALSE(sample.info->help.empty()) << name;
    }
}

}  // namespace
}  // namespace ringlog::broker
