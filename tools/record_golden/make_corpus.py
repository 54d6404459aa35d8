#!/usr/bin/env python3
"""Writes seeds for the codec fuzzers from the golden bytes.

Usage: tools/record_golden/make_corpus.py
Reads tests/unit/kafka/golden/messages.txt; writes tests/fuzz/corpus/<fuzzer>/<direction>-<version>-<sample>, for the
oldest, the first flexible and the newest version of each API. tests/fuzz/kafka_input.h explains the first byte.
"""

import pathlib
import re
import struct

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIRST_AND_FLEXIBLE = {
    "Produce": (3, 9), "Fetch": (4, 12), "ListOffsets": (1, 6), "Metadata": (0, 9), "FindCoordinator": (0, 3),
    "ApiVersions": (0, 3), "CreateTopics": (2, 5), "DeleteTopics": (1, 4), "InitProducerId": (0, 2),
}


def snake(name):
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def main():
    rows = [line.split() + [""] for line in (ROOT / "tests/unit/kafka/golden/messages.txt").read_text().splitlines()]
    newest = {api: max(int(row[2]) for row in rows if row[0] == api) for api in FIRST_AND_FLEXIBLE}
    header = None
    corpus = ROOT / "tests/fuzz/corpus"
    for api, direction, version, sample, text, *_ in rows:
        version, body = int(version), bytes.fromhex(text)
        if api == "RequestHeader" and version == 1 and sample == "full":
            header = body
        if api not in FIRST_AND_FLEXIBLE or sample == "minimal":
            continue
        first, flexible = FIRST_AND_FLEXIBLE[api]
        if version not in (first, flexible, newest[api]):
            continue
        # The fuzzer takes (first byte mod number of versions) behind the first version; bit 7 asks for the response.
        count = newest[api] - first + 1
        selector = next(b for b in range(256)
                        if b % count == version - first and (b >= 128) == (direction == "response"))
        folder = corpus / f"kafka_{snake(api)}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{direction}-{version}-{sample}").write_bytes(bytes([selector]) + body)
    folder = corpus / "kafka_connection"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "header-1").write_bytes(header)
    (folder / "frames").write_bytes((struct.pack(">i", len(header)) + header) * 2 + b"GET /")


if __name__ == "__main__":
    main()
