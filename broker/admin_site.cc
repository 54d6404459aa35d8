// The pages of the admin port. See broker/admin_site.h.
#include "broker/admin_site.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ringlog::broker {

namespace {

constexpr uint16_t kUnavailable = 503;
constexpr std::string_view kNoAnswer = "the cores do not answer: starting, stopping, or stuck\n";

constexpr std::string_view kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 "
    "1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .8rem;border-bottom:1px "
    "solid #ddd;"
    "text-align:left}.bad{color:#b00020}.good{color:#0a7a2f}";

std::string row(std::string_view name, std::string_view value) {
    return fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", escape_html(name), escape_html(value));
}

std::string uptime_text(int64_t uptime_ms) {
    const int64_t seconds = uptime_ms / 1000;
    if (seconds < 60) {
        return fmt::format("{} s", seconds);
    }
    if (seconds < 86'400) {
        return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
    }
    return fmt::format("{} d {} h", seconds / 86'400, seconds / 3600 % 24);
}

std::string topics_table(const BrokerStatus& status) {
    if (status.topics.empty()) {
        return "<p>No topics yet. Produce to one:<br><code>echo hello | kcat -b HOST:PORT -t first "
               "-P</code></p>\n";
    }
    std::string html = "<table><tr><th>topic</th><th>partitions</th></tr>\n";
    for (const BrokerStatus::Topic& topic : status.topics) {
        html += fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", escape_html(topic.name),
                            topic.partition_count);
    }
    html += "</table>\n";
    if (status.topic_count > status.topics.size()) {
        html += fmt::format("<p>and {} more</p>\n", status.topic_count - status.topics.size());
    }
    return html;
}

}  // namespace

std::string escape_html(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        switch (c) {
            case '&': escaped += "&amp;"; break;
            case '<': escaped += "&lt;"; break;
            case '>': escaped += "&gt;"; break;
            case '"': escaped += "&quot;"; break;
            case '\'': escaped += "&#39;"; break;
            default: escaped += c; break;
        }
    }
    return escaped;
}

std::string status_page(const BrokerStatus& status, std::string_view version) {
    std::string html = fmt::format(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Ringlog node {}</title>"
        "<style>{}</style><h1>Ringlog node {}</h1>\n",
        status.node_id, kStyle, status.node_id);
    if (!status.ready) {
        html += "<p class=\"bad\">Not serving clients: starting or stopping.</p>\n";
    } else if (status.problems.empty()) {
        html += "<p class=\"good\">Serving clients; healthy.</p>\n";
    }
    for (const std::string& problem : status.problems) {
        html += fmt::format("<p class=\"bad\">{}</p>\n", escape_html(problem));
    }
    html += "<table>\n";
    html += row("version", version);
    html += row("cluster id", status.cluster_id);
    html += row("broker epoch", std::to_string(status.broker_epoch));
    html += row("up", uptime_text(status.uptime_ms));
    html += row("clients connect to", fmt::format("{}", fmt::join(status.listeners, ", ")));
    html += row("cores", fmt::format("{}, {}", status.core_count, status.io_backend));
    html += row("durability", status.durability);
    html += row("data", status.data_directory);
    html += row("connections", std::to_string(status.connection_count));
    html += row("topics",
                fmt::format("{} with {} partitions", status.topic_count, status.partition_count));
    html += "</table>\n" + topics_table(status);
    html +=
        "<p><a href=\"/metrics\">metrics</a> · <a href=\"/healthz\">health</a> · "
        "<a href=\"/readyz\">readiness</a></p></html>\n";
    return html;
}

HttpAnswer AdminSite::get(std::string_view path) {
    if (path == "/metrics") {
        return metrics();
    }
    if (path == "/healthz") {
        return health();
    }
    if (path == "/readyz") {
        return readiness();
    }
    if (path == "/") {
        return page();
    }
    return {.status = 404, .body = "there is /, /metrics, /healthz and /readyz\n"};
}

HttpAnswer AdminSite::metrics() {
    const auto snapshots = bridge_.metrics(kPatience);
    if (!snapshots.has_value()) {
        return {.status = kUnavailable, .body = std::string(kNoAnswer)};
    }
    return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = metrics_text(*snapshots)};
}

HttpAnswer AdminSite::health() {
    const auto status = bridge_.status(kPatience);
    if (!status.has_value()) {
        return {.status = kUnavailable, .body = std::string(kNoAnswer)};
    }
    if (status->problems.empty()) {
        return {.body = "ok\n"};
    }
    HttpAnswer answer{.status = kUnavailable};
    for (const std::string& problem : status->problems) {
        answer.body += problem + "\n";
    }
    return answer;
}

HttpAnswer AdminSite::readiness() {
    const auto status = bridge_.status(kPatience);
    if (!status.has_value() || !status->ready) {
        return {.status = kUnavailable,
                .body = status.has_value() ? "not ready\n" : std::string(kNoAnswer)};
    }
    return {.body = "ready\n"};
}

HttpAnswer AdminSite::page() {
    const auto status = bridge_.status(kPatience);
    if (!status.has_value()) {
        return {.status = kUnavailable, .body = std::string(kNoAnswer)};
    }
    return {.content_type = "text/html; charset=utf-8", .body = status_page(*status, version_)};
}

}  // namespace ringlog::broker
