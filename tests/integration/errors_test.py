#!/usr/bin/python3
"""Goal: what is malformed, unknown or not allowed is answered as Kafka answers it, or ends the connection, and leaves no
trace. Method: a client that says exactly what the test wants."""
import struct
import unittest

import harness
import wire
from wire import batch, string


class Errors(harness.BrokerTest):
    def setUp(self):
        super().setUp()
        self.broker = self.start()
        self.client = self.connect()
        self.assertEqual(self.client.create_topic("t"), 0)

    def connect(self):
        client = wire.Connection(self.broker.port)
        self.addCleanup(client.close)
        return client

    def end_offset(self):
        return self.client.list_offset("t", 0, -1)[2]

    def test_one_replica_is_in_sync_whatever_min_insync_replicas_says(self):
        # Kafka 4.3 asks for the smaller of min.insync.replicas and the number of replicas.
        self.assertEqual(self.client.create_topic("two", configs=[("min.insync.replicas", "2")]), 0)
        self.assertEqual(self.client.produce("two", 0, batch([b"a"]), acks=-1), (0, 0))
        broker = self.start("min.insync.replicas=2", name="two")
        client = wire.Connection(broker.port)
        self.addCleanup(client.close)
        self.assertEqual(client.create_topic("t"), 0)
        self.assertEqual(client.produce("t", 0, batch([b"a"]), acks=-1), (0, 0))

    def test_what_is_no_frame_ends_the_connection(self):
        for name, data in {
                "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                "tls": bytes.fromhex("1603010200010001fc0303") + bytes(64),
                "negative size": struct.pack(">i", -5) + b"xxxx",
                "too large": struct.pack(">i", 200 << 20),
                "garbage": b"\xff" * 100,
                "empty frame": struct.pack(">i", 0),
                "half a header": struct.pack(">i", 3) + b"\0\0\0",
                "body cut short": struct.pack(">ihhi", 10, 3, 4, 1) + string(None) + b"",
        }.items():
            with self.subTest(name):
                client = self.connect()
                client.send_raw(data)
                self.assertTrue(client.is_closed())
        self.assertIn("connection of 127.0.0.1", self.broker.log())
        self.assertEqual(self.client.produce("t", 0, batch([b"still here"])), (0, 0))

    def test_an_unknown_api_or_version_ends_the_connection_but_for_api_versions(self):
        for key, version in ((999, 0), (wire.METADATA, 99), (wire.PRODUCE, 2), (wire.FETCH, 3), (4, 0)):
            with self.subTest(key=key, version=version):
                client = self.connect()
                client.send(key, version, b"")
                self.assertTrue(client.is_closed())
        reader = self.client.ask(wire.API_VERSIONS, 77, b"")
        self.assertEqual(reader.take("h"), 35)
        self.assertEqual(reader.array(lambda: reader.take("hhh")), [(wire.API_VERSIONS, 0, 4)])
        reader = self.client.ask(wire.API_VERSIONS, 0, b"")
        self.assertEqual(reader.take("h"), 0)
        ranges = {key: (low, high) for key, low, high in reader.array(lambda: reader.take("hhh"))}
        self.assertEqual(ranges[wire.PRODUCE], (0, 9))
        self.assertEqual(ranges[wire.FETCH], (4, 12))

    def test_two_requests_of_one_packet_are_both_answered(self):
        # kafka-python asks so when it looks for the version of a broker.
        client = self.connect()
        client.send_raw(client.frame(wire.API_VERSIONS, 0, b"") + client.frame(wire.METADATA, 0, struct.pack(">i", 0)))
        self.assertEqual(client.receive()[0], 1)
        self.assertEqual(client.receive()[0], 2)

    def test_a_produce_that_is_not_allowed_is_refused_and_appends_nothing(self):
        good = batch([b"a"])
        bad_crc = good[:-2] + bytes([good[-2] ^ 1]) + good[-1:]
        cases = {
            "bad crc": (bad_crc, 2),
            "two batches": (good + good, 87),
            "transactional": (batch([b"a"], producer_id=1, epoch=0, sequence=0, attributes=0x10), 87),
            "control": (batch([b"a"], attributes=0x20), 87),
            "no batch": (b"", 87),
            "cut short": (good[:-3], 2),
            "append time is the broker's": (batch([b"a"], attributes=8), 32),
            "too large": (batch([b"x" * 1_100_000]), 10),
            "old magic": (good[:16] + b"\1" + good[17:], 43),
        }
        for name, (records, error) in cases.items():
            with self.subTest(name):
                self.assertEqual(self.client.produce("t", 0, records), (error, -1))
        self.assertEqual(self.client.produce("t", 0, good, acks=2)[0], 21)
        self.assertEqual(self.client.produce("t", 7, good)[0], 3)
        self.assertEqual(self.client.produce("nobody", 0, good)[0], 3)
        self.assertEqual(self.end_offset(), 0)
        self.assertEqual(self.client.produce("t", 0, good), (0, 0))

    def test_without_acks_an_error_ends_the_connection_after_earlier_answers(self):
        client = self.connect()
        good, bad = batch([b"a"]), batch([b"a"], attributes=0x20)
        data = client.frame(wire.PRODUCE, 7, client.produce_body("t", 0, good))
        data += client.frame(wire.PRODUCE, 7, client.produce_body("t", 0, good, acks=0))
        data += client.frame(wire.PRODUCE, 7, client.produce_body("t", 0, bad, acks=0))
        client.send_raw(data)
        correlation, reader = client.receive()
        self.assertEqual((correlation, client.read_produce(reader)), (1, (0, 0)))
        self.assertTrue(client.is_closed())
        self.assertEqual(self.end_offset(), 2)

    def test_producers_of_an_idempotent_kind(self):
        def send(sequence, values=(b"v",), epoch=0):
            return self.client.produce("t", 0, batch(list(values), producer_id=9, epoch=epoch, sequence=sequence))

        self.assertEqual(send(0), (0, 0))
        self.assertEqual(send(1, (b"v", b"w")), (0, 1))
        self.assertEqual(send(1, (b"v", b"w")), (0, 1), "a duplicate is answered with its first offset")
        self.assertEqual(send(5)[0], 45)
        self.assertEqual(send(0, epoch=1), (0, 3))
        self.assertEqual(send(1)[0], 47)
        self.assertEqual(self.end_offset(), 4)

    def test_coordinators_and_transactions_are_refused_for_good(self):
        reader = self.client.ask(wire.FIND_COORDINATOR, 0, string("group"))
        self.assertEqual(reader.take("h"), 35)
        reader = self.client.ask(wire.INIT_PRODUCER_ID, 0, string("tx") + struct.pack(">i", 1000))
        self.assertEqual(reader.take("ih")[1], 35)
        ids = set()
        for _ in range(5):
            reader = self.client.ask(wire.INIT_PRODUCER_ID, 0, string(None) + struct.pack(">i", 1000))
            _, error, producer_id, epoch = reader.take("ihqh")
            self.assertEqual((error, epoch), (0, 0))
            ids.add(producer_id)
        self.assertEqual(len(ids), 5)

    def test_a_limit_of_connections_holds(self):
        self.broker.stop()
        self.broker = self.start("max.connections=3", name="limited")
        clients = [self.connect() for _ in range(3)]
        for client in clients:
            client.metadata([])
        self.assertTrue(self.connect().is_closed())
        clients[0].close()
        self.wait_for("room for another connection", self._can_connect)

    def _can_connect(self):
        client = self.connect()
        try:
            client.metadata([])
            return True
        except (EOFError, ConnectionError):
            return False

    def test_an_idle_connection_is_closed(self):
        self.broker.stop()
        self.broker = self.start("connections.max.idle.ms=200", name="idle")
        self.assertTrue(self.connect().is_closed())


if __name__ == "__main__":
    unittest.main()
