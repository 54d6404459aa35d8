// What the admin port shows: /metrics, /healthz, /readyz, and a page for people. Runs on the admin
// server's thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "broker/admin_bridge.h"
#include "broker/admin_server.h"

namespace ringlog::broker {

class AdminSite final : public AdminPages {
public:
    /// How long the cores may take to answer before a page says that they did not.
    static constexpr std::chrono::milliseconds kPatience{2000};

    /// `bridge` outlives it.
    AdminSite(AdminBridge& bridge, std::string version)
        : bridge_(bridge), version_(std::move(version)) {}

    /// /healthz: 200 "ok" while the cores answer and nothing is broken, else 503 and a line per
    /// problem. /readyz: 200 "ready" while clients are served, else 503.
    HttpAnswer get(std::string_view path) override;

private:
    HttpAnswer metrics();
    HttpAnswer health();
    HttpAnswer readiness();
    HttpAnswer page();

    AdminBridge& bridge_;
    std::string version_;
};

/// `text` for HTML.
std::string escape_html(std::string_view text);

/// The page for people.
std::string status_page(const BrokerStatus& status, std::string_view version);

}  // namespace ringlog::broker
