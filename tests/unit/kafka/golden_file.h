// Reads the recorded bytes of golden/*.txt. Their format: docs/protocol.md, "Golden bytes".
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace ringlog::kafka::golden {

/// One recorded message.
struct Line {
    std::string api;
    std::string direction;  ///< "request", "response"; "-" for a record batch.
    int16_t version = 0;
    std::string sample;  ///< "minimal" (defaults), "full", "nulls".
    std::vector<std::byte> bytes;

    [[nodiscard]] std::string title() const {
        return api + " " + direction + " " + std::to_string(version) + " " + sample;
    }
};

inline std::vector<std::byte> from_hex(const std::string& hex) {
    std::vector<std::byte> bytes;
    for (size_t at = 0; at + 1 < hex.size(); at += 2) {
        bytes.push_back(static_cast<std::byte>(std::stoi(hex.substr(at, 2), nullptr, 16)));
    }
    return bytes;
}

inline std::string to_hex(ByteView bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    for (const std::byte byte : bytes) {
        hex += kDigits[static_cast<size_t>(byte) >> 4];
        hex += kDigits[static_cast<size_t>(byte) & 15];
    }
    return hex;
}

/// Every line of messages.txt; empty if the file is missing, which tests check.
inline std::vector<Line> lines() {
    std::ifstream file(RINGLOG_GOLDEN_DIR "/messages.txt");
    std::vector<Line> lines;
    for (std::string text; std::getline(file, text);) {
        Line line;
        std::string hex;
        std::istringstream(text) >> line.api >> line.direction >> line.version >> line.sample >>
            hex;
        line.bytes = from_hex(hex);
        lines.push_back(std::move(line));
    }
    return lines;
}

}  // namespace ringlog::kafka::golden
