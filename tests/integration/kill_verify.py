"""Reads places from an offset to their end with a client library of others, and tells the history what it found."""
import time

import confluent_kafka
import kafka

QUIET_S = 30  # without any new record: what is missing then is reported as unreadable


class Confluent:
    """librdkafka: assigned, with the CRC of every batch checked."""

    def __init__(self, address):
        self.consumer = confluent_kafka.Consumer({
            "bootstrap.servers": address, "group.id": "kill-test", "enable.auto.commit": False, "check.crcs": True,
            "auto.offset.reset": "error", "fetch.wait.max.ms": 20, "fetch.error.backoff.ms": 20, "log_level": 0})

    def end(self, topic, partition):
        return self.consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, partition), 20, cached=False)[1]

    def assign(self, positions):
        self.consumer.assign([confluent_kafka.TopicPartition(*part, offset) for part, offset in positions.items()])

    def poll(self):
        """[(topic, partition, offset, value)], errors in words."""
        found, errors = [], []
        for message in self.consumer.consume(1000, 0.05):
            if message.error():
                errors.append(str(message.error()))
            else:
                found.append((message.topic(), message.partition(), message.offset(), message.value()))
        return found, errors

    def close(self):
        self.consumer.close()


class Python:
    """kafka-python: assigned. Its check of the CRC is too slow for this much data; the values carry their own."""

    def __init__(self, address):
        self.consumer = kafka.KafkaConsumer(
            bootstrap_servers=address, group_id=None, enable_auto_commit=False, check_crcs=False,
            auto_offset_reset="none", fetch_max_wait_ms=20, max_partition_fetch_bytes=1 << 21)

    def end(self, topic, partition):
        part = kafka.TopicPartition(topic, partition)
        return self.consumer.end_offsets([part])[part]

    def assign(self, positions):
        self.consumer.assign([kafka.TopicPartition(*part) for part in positions])
        for part, offset in positions.items():
            self.consumer.seek(kafka.TopicPartition(*part), offset)

    def poll(self):
        return [(record.topic, record.partition, record.offset, record.value)
                for records in self.consumer.poll(100, 1000).values() for record in records], []

    def close(self):
        self.consumer.close()


def read_places(history, payload, library, address, places, begin_at):
    """A pass over each of `places` {(topic, partition): place} from `begin_at[place]` to the end of now; the offsets
    that it reached. The history must not get acks meanwhile."""
    reader = library(address)
    errors = []
    try:
        ends = {part: reader.end(*part) for part in places}
        due = {part: begin_at.get(place, 0) for part, place in places.items()}
        for part, place in places.items():
            history.begin(place, due[part])
        left = {part for part in places if due[part] < ends[part]}
        reader.assign({part: due[part] for part in left})
        deadline = time.monotonic() + QUIET_S
        while left and time.monotonic() < deadline:
            found, wrong = reader.poll()
            errors += wrong
            for topic, partition, offset, value in found:
                part = (topic, partition)
                if offset >= ends[part]:
                    continue  # came after this pass began
                history.read(places[part], offset, payload.read(value))
                due[part] = offset + 1
                deadline = time.monotonic() + QUIET_S
                if due[part] >= ends[part]:
                    left.discard(part)
        for error in errors[-5:] if left else []:
            history.note(f"{library.__name__}: {error}")
        for part, place in places.items():
            history.end(place, ends[part])
        return {place: ends[part] for part, place in places.items()}
    finally:
        reader.close()
