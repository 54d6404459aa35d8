#!/usr/bin/python3
"""Goal: topics are created, described and deleted by clients as with Kafka, and a change that was answered is seen by every
connection at once. Method: real admin clients, and a raw one over many connections (every core has some)."""
import os
import unittest

import harness
import wire
from wire import batch


class Topics(harness.BrokerTest):
    def setUp(self):
        super().setUp()
        self.broker = self.start()

    def connect(self):
        client = wire.Connection(self.broker.port)
        self.addCleanup(client.close)
        return client

    def test_confluent_admin(self):
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient, NewTopic
        admin = AdminClient({"bootstrap.servers": self.broker.address})

        def outcome(futures):
            codes = {}
            for name, future in futures.items():
                try:
                    future.result(30)
                    codes[name] = None
                except KafkaException as error:
                    codes[name] = error.args[0].name()
            return codes

        created = admin.create_topics([
            NewTopic("plain", 4, 1),
            NewTopic("configured", 1, 1, config={"retention.ms": "1000", "max.message.bytes": "5000"}),
            NewTopic("bad/name", 1, 1),
            NewTopic("replicated", 1, 3),
            NewTopic("none", 0, 1),
            NewTopic("misconfigured", 1, 1, config={"no.such.key": "1"}),
        ], request_timeout=30)
        self.assertEqual(outcome(created), {
            "plain": None, "configured": None, "bad/name": "TOPIC_EXCEPTION", "replicated": "INVALID_REPLICATION_FACTOR",
            "none": "INVALID_PARTITIONS", "misconfigured": "INVALID_CONFIG"})
        self.assertEqual(outcome(admin.create_topics([NewTopic("plain", 4, 1)])), {"plain": "TOPIC_ALREADY_EXISTS"})
        checked = admin.create_topics([NewTopic("checked", 2, 1)], validate_only=True)
        self.assertEqual(outcome(checked), {"checked": None})
        topics = admin.list_topics(timeout=30).topics
        self.assertEqual({name: len(topic.partitions) for name, topic in topics.items()}, {"plain": 4, "configured": 1})
        self.assertEqual(outcome(admin.delete_topics(["plain", "nobody"])), {
            "plain": None, "nobody": "UNKNOWN_TOPIC_OR_PART"})
        self.assertEqual(list(admin.list_topics(timeout=30).topics), ["configured"])

    def test_kafka_python_admin(self):
        import kafka.admin
        admin = kafka.admin.KafkaAdminClient(bootstrap_servers=self.broker.address)
        admin.create_topics([kafka.admin.NewTopic("t", 2, 1)])
        self.assertEqual(admin.list_topics(), ["t"])
        admin.delete_topics(["t"])
        self.assertEqual(admin.list_topics(), [])
        admin.close()

    def test_a_change_is_seen_by_every_connection_once_it_is_answered(self):
        clients = [self.connect() for _ in range(8)]
        for i in range(10):
            name = f"t{i}"
            self.assertEqual(clients[i % 8].create_topic(name, 3), 0)
            for client in clients:
                self.assertEqual(client.metadata([name], create=False)[0][name][0], 0)
                self.assertEqual(client.produce(name, i % 3, batch([b"x"]))[0], 0)
            self.assertEqual(clients[(i + 1) % 8].delete_topic(name), 0)
            for client in clients:
                self.assertEqual(client.metadata([name], create=False)[0][name][0], 3)
                self.assertEqual(client.produce(name, i % 3, batch([b"x"]))[0], 3)

    def test_a_topic_that_is_created_again_is_empty(self):
        client = self.connect()
        for i in range(5):
            self.assertEqual(client.create_topic("t", 2), 0)
            self.assertEqual(client.list_offset("t", 1, -1), (0, -1, 0))
            for offset in range(3):
                self.assertEqual(client.produce("t", 1, batch([b"x" * 5000])), (0, offset))
            if i == 2:
                self.broker.stop()
                self.broker = self.start()
                client = self.connect()
                self.assertEqual(client.list_offset("t", 1, -1), (0, -1, 3))
            self.assertEqual(client.delete_topic("t"), 0)
        self.wait_for("the data to go", lambda: not [n for n in os.listdir(self.broker.directory) if n.startswith("t-")])

    def test_an_interrupted_deletion_is_finished_at_the_next_start(self):
        client = self.connect()
        self.assertEqual(client.create_topic("t", 6), 0)
        for partition in range(6):
            self.assertEqual(client.produce("t", partition, batch([b"x" * 1000])), (0, 0))
        self.assertEqual(client.delete_topic("t"), 0)
        self.broker.kill()
        self.broker = self.start()
        client = self.connect()
        self.assertEqual(client.create_topic("t", 6), 0)
        for partition in range(6):
            self.assertEqual(client.produce("t", partition, batch([b"new"])), (0, 0))

    def test_topics_are_made_when_they_are_asked_for_if_that_is_allowed(self):
        client = self.connect()
        self.assertEqual(client.metadata(["made"])[0]["made"][0], 0)
        self.assertEqual(client.metadata(["asked"], create=False)[0]["asked"][0], 3)
        self.assertEqual(client.metadata(["bad name"])[0]["bad name"][0], 17)
        self.broker.stop()
        self.broker = self.start("auto.create.topics.enable=false")
        client = self.connect()
        self.assertEqual(client.metadata(["other"])[0]["other"][0], 3)
        self.assertEqual(list(client.metadata(None)[0]), ["made"])

    def test_the_broker_stamps_the_time_where_the_topic_says_so(self):
        client = self.connect()
        self.assertEqual(client.create_topic("t", 1, [("message.timestamp.type", "LogAppendTime")]), 0)
        self.assertEqual(client.produce("t", 0, batch([b"x"], timestamp=5)), (0, 0))
        error, timestamp, offset = client.list_offset("t", 0, 1_700_000_000_000)
        self.assertEqual((error, offset), (0, 0))
        self.assertGreater(timestamp, 1_700_000_000_000)


if __name__ == "__main__":
    unittest.main()
