"""A Kafka client that says exactly what a test wants: requests field by field, batches bit by bit. Non-flexible versions."""
import socket
import struct

PRODUCE, FETCH, LIST_OFFSETS, METADATA, FIND_COORDINATOR = 0, 1, 2, 3, 10
API_VERSIONS, CREATE_TOPICS, DELETE_TOPICS, INIT_PRODUCER_ID = 18, 19, 20, 22

_TABLE = []
for _i in range(256):
    _crc = _i
    for _ in range(8):
        _crc = (_crc >> 1) ^ (0x82F63B78 if _crc & 1 else 0)
    _TABLE.append(_crc)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def varint(value):
    value = (value << 1) ^ (value >> 63)
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def batch(values, producer_id=-1, epoch=-1, sequence=-1, attributes=0, timestamp=1_700_000_000_000):
    """A record batch of magic 2."""
    records = b""
    for i, value in enumerate(values):
        body = b"\0" + varint(0) + varint(i) + varint(-1) + varint(len(value)) + value + varint(0)
        records += varint(len(body)) + body
    rest = struct.pack(">hiqqqhii", attributes, len(values) - 1, timestamp, timestamp, producer_id, epoch, sequence,
                       len(values)) + records
    return struct.pack(">qiibI", 0, len(rest) + 9, -1, 2, crc32c(rest)) + rest


def string(text):
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text.encode()


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


class Reader:
    """Reads an answer."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0] if len(values) == 1 else values

    def string(self):
        size = self.take("h")
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def bytes(self):
        size = self.take("i")
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size:self.at]

    def array(self, read):
        return [read() for _ in range(self.take("i"))]


class Connection:
    def __init__(self, port, patience_s=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=patience_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.correlation = 0

    def close(self):
        self.socket.close()

    def frame(self, key, version, body):
        """A request with the next correlation id."""
        self.correlation += 1
        header = struct.pack(">hhi", key, version, self.correlation) + string("test")
        return struct.pack(">i", len(header) + len(body)) + header + body

    def send(self, key, version, body):
        self.socket.sendall(self.frame(key, version, body))
        return self.correlation

    def send_raw(self, data):
        self.socket.sendall(data)

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError("closed")
            data += part
        return data

    def receive(self):
        """(correlation id, reader at the body)."""
        size = struct.unpack(">i", self._exactly(4))[0]
        reader = Reader(self._exactly(size))
        return reader.take("i"), reader

    def ask(self, key, version, body):
        sent = self.send(key, version, body)
        correlation, reader = self.receive()
        assert correlation == sent, f"{correlation} answers {sent}"
        return reader

    def is_closed(self):
        """Waits until the broker closes the connection; False if it says something instead."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    # --- Requests ---

    @staticmethod
    def produce_body(topic, partition, records, acks=-1, timeout_ms=30000):
        return (string(None) + struct.pack(">hi", acks, timeout_ms) +
                array([string(topic) + array([struct.pack(">ii", partition, len(records)) + records])]))

    @staticmethod
    def read_produce(reader, version=7):
        """(error, base offset) of the only partition."""
        reader.take("i")
        reader.string()
        reader.take("i")
        _, error, offset = reader.take("ihq")
        reader.take("q")
        if version >= 5:
            reader.take("q")
        return error, offset

    def produce(self, topic, partition, records, acks=-1, version=7):
        return self.read_produce(self.ask(PRODUCE, version, self.produce_body(topic, partition, records, acks)), version)

    def metadata(self, topics, version=4, create=True):
        """{topic: (error, {partition: leader})}, brokers."""
        names = struct.pack(">i", -1) if topics is None else array([string(t) for t in topics])
        reader = self.ask(METADATA, version, names + (b"\1" if create else b"\0"))
        reader.take("i")
        brokers = reader.array(lambda: (reader.take("i"), reader.string(), reader.take("i"), reader.string()))
        reader.string()
        reader.take("i")

        def partition():
            error, index, leader = reader.take("hii")
            reader.array(lambda: reader.take("i"))
            reader.array(lambda: reader.take("i"))
            return index, (error, leader)

        def topic():
            error = reader.take("h")
            name = reader.string()
            reader.take("b")
            return name, (error, dict(reader.array(partition)))

        return dict(reader.array(topic)), brokers

    def create_topic(self, name, partitions=1, configs=()):
        """The error code."""
        return self.try_topic(name, partitions, configs)[0]

    def try_topic(self, name, partitions=1, configs=()):
        """(error code, message) of creating a topic."""
        settings = array([string(k) + string(v) for k, v in configs])
        body = array([string(name) + struct.pack(">ih", partitions, 1) + array([]) + settings])
        reader = self.ask(CREATE_TOPICS, 2, body + struct.pack(">ib", 30000, 0))
        reader.take("i")
        reader.take("i")
        reader.string()
        return reader.take("h"), reader.string()

    def delete_topic(self, name):
        reader = self.ask(DELETE_TOPICS, 1, array([string(name)]) + struct.pack(">i", 30000))
        reader.take("ii")
        reader.string()
        return reader.take("h")

    def list_offset(self, topic, partition, timestamp):
        """(error, timestamp, offset)."""
        body = struct.pack(">i", -1) + array([string(topic) + array([struct.pack(">iq", partition, timestamp)])])
        reader = self.ask(LIST_OFFSETS, 1, body)
        reader.take("i")
        reader.string()
        reader.take("i")
        return reader.take("ihqq")[1:]

    @staticmethod
    def fetch_body(parts, version=4, max_wait_ms=0, min_bytes=1, max_bytes=1 << 24, session=(0, -1), forgotten=(),
                   replica_id=-1, isolation=0):
        """`parts`: (topic, partition, offset[, max bytes[, leader epoch]])."""
        topics = []
        for part in parts:
            topic, partition, offset, limit, epoch = (*part, 1 << 20, -1)[:5] if len(part) == 3 else (
                (*part, -1)[:5])
            fields = struct.pack(">i", partition)
            if version >= 9:
                fields += struct.pack(">i", epoch)
            fields += struct.pack(">q", offset)
            if version >= 5:
                fields += struct.pack(">q", -1)
            topics.append(string(topic) + array([fields + struct.pack(">i", limit)]))
        body = struct.pack(">iiiib", replica_id, max_wait_ms, min_bytes, max_bytes, isolation)
        if version >= 7:
            body += struct.pack(">ii", *session)
        body += array(topics)
        if version >= 7:
            body += array([string(t) + array([struct.pack(">i", p)]) for t, p in forgotten])
        if version >= 11:
            body += string("")
        return body

    @staticmethod
    def read_fetch(reader, version=4):
        """(error, session id, {(topic, partition): (error, high watermark, records)})."""
        reader.take("i")
        error, session = reader.take("hi") if version >= 7 else (0, 0)
        found = {}

        def topic():
            name = reader.string()

            def partition():
                index, code, high_watermark, _ = reader.take("ihqq")
                if version >= 5:
                    reader.take("q")
                aborted = reader.take("i")
                assert aborted <= 0
                if version >= 11:
                    reader.take("i")
                found[(name, index)] = (code, high_watermark, reader.bytes())

            reader.array(partition)

        reader.array(topic)
        return error, session, found

    def fetch(self, parts, version=4, **options):
        return self.read_fetch(self.ask(FETCH, version, self.fetch_body(parts, version, **options)), version)


def batches(records):
    """(base offset, record count) of each whole batch."""
    found = []
    at = 0
    while at + 61 <= len(records):
        base, length = struct.unpack_from(">qi", records, at)
        if at + 12 + length > len(records):
            break
        found.append((base, struct.unpack_from(">i", records, at + 57)[0]))
        at += 12 + length
    return found
