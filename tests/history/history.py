#!/usr/bin/python3
"""A history in a file: one line per event, written while it happens, judged again at any time later.

Usage: history.py FILE   judges a history; prints what it found and ends with 1 if that is anything

Lines are tab-separated, the monotonic time in ns first: `open STREAM PLACE`, `sent STREAM NUMBER`,
`acked STREAM NUMBER OFFSET` (- if it was not told), `failed STREAM NUMBER`, `begin PLACE OFFSET`,
`read PLACE OFFSET STREAM NUMBER` (- - for bytes of nobody), `end PLACE OFFSET`, `drop PLACE`, and `note TEXT`.
"""
import sys
import time

from checker import Checker


def _number(text):
    return None if text == "-" else int(text)


class History:
    """Tells a checker every event and writes it down. One thread."""

    def __init__(self, path):
        self.checker = Checker()
        self.file = open(path, "w", encoding="utf-8", buffering=1 << 16)

    def _write(self, *fields):
        self.file.write("\t".join([str(time.monotonic_ns()), *map(str, fields)]) + "\n")

    def note(self, text):
        self._write("note", text.replace("\n", " "))
        self.file.flush()

    def open(self, stream, place):
        self._write("open", stream, place)
        self.checker.open(stream, place)

    def sent(self, stream, number):
        self._write("sent", stream, number)
        self.checker.sent(stream, number)

    def acked(self, stream, number, offset):
        self._write("acked", stream, number, "-" if offset is None else offset)
        self.checker.acked(stream, number, offset)

    def failed(self, stream, number):
        self._write("failed", stream, number)
        self.checker.failed(stream, number)

    def begin(self, place, offset):
        self._write("begin", place, offset)
        self.checker.begin(place, offset)

    def read(self, place, offset, record):
        self._write("read", place, offset, *(record or ("-", "-")))
        self.checker.read(place, offset, record)

    def end(self, place, end):
        self._write("end", place, end)
        self.checker.end(place, end)

    def drop(self, place):
        self._write("drop", place)
        self.checker.drop(place)

    def close(self):
        self.checker.finish()
        self.file.close()


def judge(lines):
    """A checker that has seen the whole history."""
    checker = Checker()
    for line in lines:
        _, event, *fields = line.rstrip("\n").split("\t")
        if event == "open":
            checker.open(int(fields[0]), fields[1])
        elif event == "read":
            stream, number = _number(fields[2]), _number(fields[3])
            checker.read(fields[0], int(fields[1]), None if stream is None else (stream, number))
        elif event in ("sent", "failed"):
            getattr(checker, event)(int(fields[0]), int(fields[1]))
        elif event == "acked":
            checker.acked(int(fields[0]), int(fields[1]), _number(fields[2]))
        elif event in ("begin", "end"):
            getattr(checker, event)(fields[0], int(fields[1]))
        elif event == "drop":
            checker.drop(fields[0])
        elif event != "note":
            raise ValueError(f"not an event: {line!r}")
    checker.finish()
    return checker


def report(checker):
    """Lines for people."""
    yield (f"history: {checker.sent_count} sent, {checker.acked_count} acked "
           f"({checker.acked_without_offset_count} without an offset), {checker.failed_count} failed, "
           f"{checker.read_count} reads, {checker.found_unacked_count} found before their ack")
    for kind, count in sorted(checker.anomalies.items()):
        yield f"history: {kind}: {count}"
        for example in checker.examples[kind]:
            yield f"    {example}"
    if not checker.anomalies:
        yield "history: no anomaly"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as lines:
        checker = judge(lines)
    print("\n".join(report(checker)))
    sys.exit(1 if checker.anomalies else 0)


if __name__ == "__main__":
    main()
