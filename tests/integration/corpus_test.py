#!/usr/bin/python3
"""Goal: a text corpus that unmodified clients produce is consumed by unmodified clients byte for byte, per partition in
order. Method: every producer writes a topic of its own, every consumer reads every topic."""
import os
import shutil
import subprocess
import tempfile
import unittest

import corpus
import harness

PARTITIONS = 3
HERE = os.path.dirname(os.path.abspath(__file__))


def expected_of(lines):
    """Line i goes to partition i modulo PARTITIONS."""
    return {p: lines[p::PARTITIONS] for p in range(PARTITIONS)}


def kafkajs_modules():
    """Where kafkajs is installed, in a folder that stays; None without npm or a registry."""
    home = os.environ.get("RINGLOG_NODE_MODULES", os.path.join(tempfile.gettempdir(), "ringlog-kafkajs"))
    if not os.path.isdir(os.path.join(home, "node_modules", "kafkajs")):
        if shutil.which("npm") is None or shutil.which("node") is None:
            return None
        os.makedirs(home, exist_ok=True)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", home, "kafkajs@2.2.4"],
                              capture_output=True, timeout=120, check=False)
        if done.returncode != 0:
            return None
    return home


class Corpus(harness.BrokerTest):
    def setUp(self):
        super().setUp()
        self.lines = corpus.lines()
        self.assertGreater(len(self.lines), 15000)
        self.broker = self.start(f"num.partitions={PARTITIONS}")

    # --- Producers ---

    def kcat_produces(self, topic):
        for partition, lines in expected_of(self.lines).items():
            subprocess.run(["kcat", "-b", self.broker.address, "-t", topic, "-P", "-p", str(partition), "-X",
                            "acks=all"], input=b"\n".join(lines), check=True, timeout=60)

    def confluent_produces(self, topic, **settings):
        import confluent_kafka
        failures = []
        producer = confluent_kafka.Producer({"bootstrap.servers": self.broker.address, "acks": "all",
                                             "queue.buffering.max.messages": 1000000, **settings})
        for i, line in enumerate(self.lines):
            producer.produce(topic, line, partition=i % PARTITIONS,
                             on_delivery=lambda error, _: failures.append(error) if error else None)
        self.assertEqual(producer.flush(60), 0)
        self.assertEqual(failures, [])

    def kafka_python_produces(self, topic):
        import kafka
        producer = kafka.KafkaProducer(bootstrap_servers=self.broker.address, acks="all", compression_type="gzip")
        sent = [producer.send(topic, line, partition=i % PARTITIONS) for i, line in enumerate(self.lines)]
        producer.flush(60)
        for future in sent:
            future.get(60)
        producer.close()

    def kafkajs_produces(self, topic):
        modules = kafkajs_modules()
        if modules is None:
            self.skipTest("kafkajs cannot be installed here")
        path = os.path.join(self.root, "lines")
        with open(path, "wb") as out:
            out.write(b"\n".join(self.lines))
        subprocess.run(["node", os.path.join(HERE, "produce.js"), self.broker.address, topic, path, str(PARTITIONS)],
                       env={**os.environ, "NODE_PATH": os.path.join(modules, "node_modules")}, check=True, timeout=60)

    # --- Consumers ---

    def kcat_consumes(self, topic, partition):
        done = subprocess.run(["kcat", "-b", self.broker.address, "-t", topic, "-C", "-p", str(partition), "-o",
                               "beginning", "-e", "-q", "-X", "check.crcs=true"],
                              stdout=subprocess.PIPE, check=True, timeout=60)
        return done.stdout.splitlines()

    def confluent_consumes(self, topic, partition):
        import confluent_kafka
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.broker.address, "group.id": "unused",
                                             "enable.auto.commit": False, "check.crcs": True,
                                             "enable.partition.eof": True})
        consumer.assign([confluent_kafka.TopicPartition(topic, partition, 0)])
        values = []
        while True:
            message = consumer.poll(60)
            self.assertIsNotNone(message)
            if message.error():
                if message.error().code() == confluent_kafka.KafkaError.UNSUPPORTED_VERSION:
                    continue  # there is no coordinator for its group, which this consumer does not use
                self.assertEqual(message.error().code(), confluent_kafka.KafkaError._PARTITION_EOF)
                break
            self.assertEqual(message.offset(), len(values))
            values.append(message.value())
        consumer.close()
        return values

    def kafka_python_consumes(self, topic, partition):
        import kafka
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.broker.address, enable_auto_commit=False,
                                       consumer_timeout_ms=60000)
        place = kafka.TopicPartition(topic, partition)
        consumer.assign([place])
        consumer.seek(place, 0)
        end = consumer.end_offsets([place])[place]
        values = []
        while len(values) < end:
            message = next(consumer)
            self.assertEqual(message.offset, len(values))
            values.append(message.value)
        consumer.close()
        return values

    def check(self, topic, consumers=None):
        expected = expected_of(self.lines)
        for consume in consumers or (self.kcat_consumes, self.confluent_consumes, self.kafka_python_consumes):
            for partition in range(PARTITIONS):
                with self.subTest(consumer=consume.__name__, partition=partition):
                    self.assertEqual(consume(topic, partition), expected[partition])

    def test_kcat(self):
        self.kcat_produces("kcat")
        self.check("kcat")

    def test_confluent_python(self):
        self.confluent_produces("confluent", **{"enable.idempotence": True})
        self.check("confluent")

    def test_every_compression_of_librdkafka(self):
        # Debian's python3-kafka comes without the libraries for these.
        for codec in ("lz4", "snappy", "zstd", "gzip"):
            self.confluent_produces(codec, **{"acks": "1", "batch.num.messages": 1000, "compression.type": codec})
            self.check(codec, (self.kcat_consumes, self.confluent_consumes))

    def test_kafka_python(self):
        self.kafka_python_produces("kafka-python")
        self.check("kafka-python")

    def test_kafkajs(self):
        self.kafkajs_produces("kafkajs")
        self.check("kafkajs")


if __name__ == "__main__":
    unittest.main()
