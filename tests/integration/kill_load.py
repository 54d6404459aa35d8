"""The load of the kill test: idempotent librdkafka producers that live through every restart, and tell a history of it.

Everything here runs on one thread; librdkafka's own threads go on sending and retrying, and their results wait in its
queues until `serve` asks for them. So the history stands still while a reader checks it.
"""
import time

import confluent_kafka

COMMON = {
    "acks": "all",
    "enable.idempotence": True,
    "message.timeout.ms": 0,  # never gives up
    "socket.timeout.ms": 20000,
    "reconnect.backoff.ms": 20,
    "reconnect.backoff.max.ms": 100,
    "retry.backoff.ms": 20,
    "topic.metadata.refresh.interval.ms": 2000,
    "topic.metadata.refresh.fast.interval.ms": 50,
    "message.max.bytes": 1_000_000,
    "log_level": 0,
}
# One sends small batches at once, the other larger and compressed ones.
KINDS = ({"linger.ms": 0, "batch.size": 16384},
         {"linger.ms": 20, "batch.size": 200000, "compression.type": "gzip", "compression.level": 1})
OUTSTANDING_MAX = 400  # records per producer
DRAIN_S = 60
# What a producer says of a topic that was deleted and that it has not seen again yet.
NOT_THERE = (confluent_kafka.KafkaError._UNKNOWN_TOPIC, confluent_kafka.KafkaError._UNKNOWN_PARTITION)


class Target:
    """One life of a topic: where records go, and how large they may be."""

    def __init__(self, topic, life, partitions, largest, segment_bytes, share):
        self.topic, self.life, self.partitions, self.largest = topic, life, partitions, largest
        self.segment_bytes, self.share = segment_bytes, share

    def place(self, partition):
        return f"{self.topic}.{self.life}/{partition}"

    def places(self):
        return {(self.topic, partition): self.place(partition) for partition in range(self.partitions)}

    def next_life(self):
        return Target(self.topic, self.life + 1, self.partitions, self.largest, self.segment_bytes, self.share)


class Source:
    """A producer, and what it has sent."""

    def __init__(self, load, address, kind):
        self.load = load
        self.producer = confluent_kafka.Producer(
            {**COMMON, **kind, "bootstrap.servers": address, "error_cb": self._error})
        self.streams = {}  # place -> [stream, next number]
        self.outstanding = {}  # place -> records

    def _error(self, error):
        if error.fatal():
            self.load.errors.append(f"a producer met a fatal error: {error}")

    def waiting(self, place=None):
        return sum(self.outstanding.values()) if place is None else self.outstanding.get(place, 0)

    def send(self, target, partition):
        """The bytes that it sent; 0 if the producer has not heard yet that the topic is there again."""
        load, place = self.load, target.place(partition)
        if place not in self.streams:
            self.streams[place] = [load.new_stream(place), 0]
        stream, number = self.streams[place]
        value = load.payload.value(stream, number, target.largest)

        def delivered(error, message):
            self.outstanding[place] -= 1
            if error is not None:
                load.errors.append(f"record {number} of stream {stream} ({place}, {len(value)} bytes) failed: {error}")
                load.history.failed(stream, number)
                return
            if (message.topic(), message.partition(), message.value()) != (target.topic, partition, value):
                load.errors.append(f"the ack of record {number} of stream {stream} names another record")
            offset = message.offset()
            load.history.acked(stream, number, offset if offset is not None and offset >= 0 else None)
            load.acked_count += 1

        try:
            while not self._queue(target.topic, value, partition, delivered):
                load.serve(0.01)
        except confluent_kafka.KafkaException as problem:
            if target.life == 1 or problem.args[0].code() not in NOT_THERE:
                raise
            load.unheard_count += 1
            return 0
        # No ack of it can have come yet: acks come when they are asked for.
        load.history.sent(stream, number)
        self.streams[place][1] += 1
        self.outstanding[place] = self.outstanding.get(place, 0) + 1
        return len(value)

    def _queue(self, topic, value, partition, delivered):
        """False if the producer's queue is full."""
        try:
            self.producer.produce(topic, value, partition=partition, on_delivery=delivered)
            return True
        except BufferError:
            return False


class Load:
    """`watch` is called now and then while it waits: it raises if the broker has ended by itself."""

    def __init__(self, history, payload, rng, bytes_per_s):
        self.history, self.payload, self.rng, self.bytes_per_s = history, payload, rng, bytes_per_s
        self.sources = []
        self.targets = []
        self.paused = set()  # topics
        self.errors = []
        self.acked_count = self.unheard_count = 0
        self.stream_count = 0
        self.watch = lambda: None
        self.budget_bytes, self.budget_time = 0.0, time.monotonic()

    def connect(self, address):
        self.sources = [Source(self, address, kind) for kind in KINDS]

    def new_stream(self, place):
        stream = self.stream_count
        self.stream_count += 1
        self.history.open(stream, place)
        return stream

    def tell(self, topic):
        """The producers hear that a topic is there."""
        for source in self.sources:
            source.producer.list_topics(topic, DRAIN_S)

    def serve(self, wait_s=0.0):
        """Takes the acks that have come."""
        self.watch()
        for source in self.sources:
            try:
                source.producer.poll(wait_s)
            except confluent_kafka.KafkaException as fatal:
                self.errors.append(f"a producer met a fatal error: {fatal}")
                raise AssertionError("a producer met a fatal error") from fatal

    def step(self):
        """Sends a few records if limits allow, and takes acks."""
        now = time.monotonic()
        self.budget_bytes = min(self.bytes_per_s * 0.1,
                                self.budget_bytes + (now - self.budget_time) * self.bytes_per_s)
        self.budget_time = now
        targets = [target for target in self.targets if target.topic not in self.paused]
        sent = 0
        for source in self.sources:
            for _ in range(20):
                if self.budget_bytes <= 0 or source.waiting() >= OUTSTANDING_MAX:
                    break
                target = self.rng.choices(targets, [target.share for target in targets])[0]
                sent += 1
                self.budget_bytes -= source.send(target, self.rng.randrange(target.partitions))
        self.serve(0.0 if sent else 0.002)

    def run(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.step()

    def run_until(self, what, condition, bound_s=DRAIN_S):
        """The load goes on until `condition`."""
        deadline = time.monotonic() + bound_s
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: not within {bound_s} s")
            self.step()

    def drain(self, target):
        """Nothing of this topic is on its way any more; the others go on."""
        self.paused.add(target.topic)
        places = target.places().values()
        self.run_until(f"every record of {target.topic} answered",
                       lambda: not any(source.waiting(place) for source in self.sources for place in places))

    def drain_all(self):
        deadline = time.monotonic() + DRAIN_S
        while any(source.waiting() for source in self.sources):
            if time.monotonic() > deadline:
                left = {place: count for source in self.sources for place, count in source.outstanding.items() if count}
                raise TimeoutError(f"not every record was answered within {DRAIN_S} s: {left}")
            self.serve(0.01)

    def pass_by(self, address, count):
        """A producer that nobody knew, with a few records for every partition, and gone again."""
        source = Source(self, address, KINDS[0])
        self.sources.append(source)
        for target in self.targets:
            for partition in range(target.partitions):
                if target.topic not in self.paused:
                    for _ in range(count):
                        source.send(target, partition)
        self.run_until("every record of a new producer answered", lambda: source.waiting() == 0)
        self.sources.remove(source)
