"""Judges what a log may do: says of a history of sends, acks and reads what was lost, doubled, reordered or changed.

The events come one by one, in the order in which the one client process saw them; each costs constant time, so a history
costs time and memory that grow with its length only. Words as in the literature on checking Kafka: an ack binds a record
to an offset for ever; a send without an ack may have happened or not, once.

A *place* is one partition of one life of a topic: a topic that is deleted and created again has new places. A *stream* is
what one producer sends to one place, numbered 0, 1, 2... A *pass* reads a place from some offset to its end; it may begin
again at 0 at any time, and must then find what it found before.
"""
import collections
from array import array

KINDS = {
    "lost": "an acked record is not there",
    "duplicate": "a record is at two offsets",
    "reordered": "a record of a stream stands behind a later one",
    "skipped": "a record is missing although a later one of its stream is there",
    "moved": "a record is at another offset than its ack said",
    "overlapping-acks": "two acks name one offset",
    "changed": "bytes that nobody sent",
    "phantom": "a whole record that was never sent",
    "foreign": "a record of another partition, or of another life of the topic",
    "taken-back": "another record, or none, where an earlier pass found one",
    "gap": "offsets of one pass go on by more than one",
    "offset-went-back": "offsets of one pass do not grow",
    "end-went-back": "the end of the log is lower than before",
    "unreadable": "the pass ended before the end of the log",
    "realtime": "a record stands before one that was acked before it was sent",
}
EXAMPLES = 5
GAP_MAX = 1_000_000  # offsets that are kept as missing
_NOT_SENT, _SENT, _FAILED, _ACKED = range(4)


class Stream:
    def __init__(self, place):
        self.place = place
        self.state = bytearray()  # by number
        self.floor = array("q")  # by number: the highest offset that was acked in the place when it was sent
        self.seen = bytearray()  # by number
        self.next_number = 0  # behind the highest that was read
        self.skipped = {}  # number -> the later number that was read


class Place:
    def __init__(self, name):
        self.name = name
        self.streams = []
        self.log = array("q")  # by offset: the record that was read there, as stream << 32 | number; -1: a bad one
        self.acks = {}  # offset -> record, where no pass has been yet
        self.acked_offset = -1  # the highest
        self.unplaced = set()  # acked without an offset, and not read yet
        self.end = 0
        self.next_offset = 0  # of the pass


class Checker:
    """Feed it; then `anomalies` counts by kind, and `examples` has a few of each in words."""

    def __init__(self):
        self.places = {}
        self.streams = {}
        self.anomalies = collections.Counter()
        self.examples = collections.defaultdict(list)
        self.sent_count = self.acked_count = self.failed_count = self.read_count = 0
        self.found_unacked_count = 0  # read before an ack for it had come
        self.acked_without_offset_count = 0

    def _found(self, kind, place, text):
        assert kind in KINDS
        self.anomalies[kind] += 1
        if len(self.examples[kind]) < EXAMPLES:
            self.examples[kind].append(f"{place.name}: {text}")

    def open(self, stream, place):
        if place not in self.places:
            self.places[place] = Place(place)
        found = self.places[place]
        self.streams[stream] = Stream(found)
        found.streams.append(self.streams[stream])

    def sent(self, stream, number):
        """Before the record is given to the producer. Numbers of a stream grow by one."""
        found = self.streams[stream]
        assert number == len(found.state), f"stream {stream} sends {number} after {len(found.state) - 1}"
        found.state.append(_SENT)
        found.seen.append(0)
        found.floor.append(found.place.acked_offset)
        self.sent_count += 1

    def failed(self, stream, number):
        """The producer gave up: the record may be there or not."""
        self.streams[stream].state[number] = _FAILED
        self.failed_count += 1

    def acked(self, stream, number, offset):
        """`offset` None: the producer was told that it is there and not where."""
        found = self.streams[stream]
        place = found.place
        record = stream << 32 | number
        found.state[number] = _ACKED
        self.acked_count += 1
        if offset is None:
            self.acked_without_offset_count += 1
            if not found.seen[number]:
                place.unplaced.add(record)
            return
        place.acked_offset = max(place.acked_offset, offset)
        if offset < len(place.log):
            if place.log[offset] != record:
                self._found(self._missing_kind(record), place,
                            f"{_text(record)} acked at {offset}, where {_text(place.log[offset])} was read")
        elif place.acks.setdefault(offset, record) != record:
            self._found("overlapping-acks", place, f"{offset} for {_text(place.acks[offset])} and {_text(record)}")

    def begin(self, place, offset):
        """A pass begins; `offset` is usually 0, or what earlier passes have reached."""
        self.places[place].next_offset = offset

    def read(self, place, offset, record):
        """The next record of a pass: (stream, number), or None if its bytes are not those of any."""
        found = self.places[place]
        self.read_count += 1
        if offset != found.next_offset:
            kind = "gap" if offset > found.next_offset else "offset-went-back"
            self._found(kind, found, f"{offset} where {found.next_offset} was due")
        found.next_offset = offset + 1
        if record is None:
            self._found("changed", found, f"the record at {offset}")
        number = -1 if record is None else record[0] << 32 | record[1]
        if offset < len(found.log):
            if found.log[offset] != number:
                self._found("taken-back", found,
                            f"{_text(number)} at {offset}, where {_text(found.log[offset])} was read before")
            return
        if offset > len(found.log) + GAP_MAX:
            return  # no offset of this log
        # What a gap leaves out is not there for anybody.
        while len(found.log) < offset:
            self._settle(found, len(found.log), -1)
            found.log.append(-1)
        found.log.append(number)
        self._settle(found, offset, number)
        if record is not None:
            self._first_read(found, offset, *record)

    def end(self, place, end):
        """A pass has read everything below `end`, which the broker named after the last ack that was told."""
        found = self.places[place]
        if found.next_offset < end:
            self._found("unreadable", found, f"{found.next_offset} to {end}")
        if end < found.end or end < len(found.log):
            self._found("end-went-back", found, f"{end} after {max(found.end, len(found.log))}")
        found.end = max(found.end, end)
        for offset, record in found.acks.items():
            self._found(self._missing_kind(record), found,
                        f"{_text(record)} acked at {offset}, behind the end {end}")
        found.acks.clear()
        for record in found.unplaced:
            self._found("lost", found, f"{_text(record)} acked without an offset")
        found.unplaced.clear()

    def drop(self, place):
        """The topic is deleted: nothing of it is due, and none of it may be seen in another place."""
        self._judge_skipped(self.places[place])
        found = self.places[place]
        found.acks.clear()
        found.unplaced.clear()

    def finish(self):
        """After the last event."""
        for place in self.places.values():
            self._judge_skipped(place)

    def _settle(self, place, offset, record):
        """What was acked at `offset` is `record`, or lost (or elsewhere: then the reading says so too)."""
        acked = place.acks.pop(offset, None)
        if acked is not None and acked != record:
            self._found(self._missing_kind(acked), place,
                        f"{_text(acked)} acked at {offset}, where {_text(record)} is")

    def _missing_kind(self, record):
        """What it is called that an acked record is not where its ack said."""
        return "moved" if self.streams[record >> 32].seen[record & 0xFFFFFFFF] else "lost"

    def _first_read(self, place, offset, stream, number):
        record = stream << 32 | number
        text = f"{_text(record)} at {offset}"
        found = self.streams.get(stream)
        if found is None:
            self._found("phantom", place, text)
            return
        if found.place is not place:
            self._found("foreign", place, f"{text} belongs to {found.place.name}")
            return
        if number >= len(found.state):
            self._found("phantom", place, text)
            return
        if offset <= found.floor[number]:
            self._found("realtime", place, f"{text} was sent after {found.floor[number]} was acked")
        if found.state[number] != _ACKED:
            self.found_unacked_count += 1
        place.unplaced.discard(record)
        if found.seen[number]:
            self._found("duplicate", place, text)
            return
        found.seen[number] = 1
        if number < found.next_number:
            self._found("reordered", place, f"{text} behind number {found.skipped.pop(number)}")
            return
        for missing in range(found.next_number, number):
            found.skipped[missing] = number
        found.next_number = number + 1

    def _judge_skipped(self, place):
        """Late, because the producer may say only later that it gave a record up."""
        for stream in place.streams:
            for number, later in stream.skipped.items():
                if stream.state[number] != _FAILED:
                    self._found("skipped", place, f"number {number}, although {later} is there")
            stream.skipped.clear()


def _text(record):
    return "nothing whole" if record < 0 else f"record {record & 0xFFFFFFFF} of stream {record >> 32}"
