"""The topic of the kill test that is deleted and created again, also while the broker is killed: what was answered holds,
what was not has happened or not, and no record of an earlier life is ever seen again."""
import wire

NO_ERROR, UNKNOWN_TOPIC, ALREADY_EXISTS = 0, 3, 36


class TopicError(Exception):
    """A topic is there that should not be, or the other way round."""


def configs(target):
    return [("internal.segment.bytes", str(target.segment_bytes))]


class Churn:
    """`state` is what the client knows: there, gone, maybe deleted, maybe created."""

    def __init__(self, load, history, target):
        self.load, self.history, self.target = load, history, target
        self.state = "gone"
        self.life_count = 0
        self.unanswered_count = 0

    def delete(self, port):
        """Answered. Nothing of the topic may be on its way: drain it first."""
        connection = wire.Connection(port)
        code = connection.delete_topic(self.target.topic)
        connection.close()
        self._deleted(code)

    def create(self, port):
        connection = wire.Connection(port)
        code = connection.create_topic(self.target.topic, self.target.partitions, configs(self.target))
        connection.close()
        self._created(code)

    def interrupt(self, port, kill, wait):
        """Asks for the deletion or creation that is due, lets `wait()` pass, and kills the broker."""
        connection = wire.Connection(port)
        due_deletion = self.state == "there"
        ask = connection.delete_topic if due_deletion else lambda topic: connection.create_topic(
            topic, self.target.partitions, configs(self.target))
        receive, connection.receive = connection.receive, lambda: (wait(), kill(), receive())[2]
        try:
            code = ask(self.target.topic)
        except (EOFError, OSError):
            self.state = "maybe deleted" if due_deletion else "maybe created"
            self.unanswered_count += 1
        else:
            (self._deleted if due_deletion else self._created)(code)
        connection.close()

    def settle(self, port, verify):
        """After a start: the broker says what became of it. `verify(target)` reads the old life if it is still there.
        Ends with the topic there."""
        listed = self._is_listed(port)
        if self.state == "there" and not listed:
            raise TopicError(f"{self.target.topic} is gone")
        if self.state == "gone" and listed:
            raise TopicError(f"{self.target.topic} is back after its deletion was answered")
        if self.state == "maybe deleted":
            if listed:
                verify(self.target)
                self.state = "there"
                self.delete(port)
            else:
                self._deleted(NO_ERROR)
        if self.state == "maybe created" and listed:
            self._created(NO_ERROR)
        if self.state != "there":
            self.state = "gone"
            self.create(port)
        if not self._is_listed(port):
            raise TopicError(f"{self.target.topic} is not there after its creation was answered")
        if self.target not in self.load.targets:
            self.load.targets.append(self.target)
        self.load.tell(self.target.topic)
        self.load.paused.discard(self.target.topic)

    def _deleted(self, code):
        if code != NO_ERROR:
            raise TopicError(f"deleting {self.target.topic} answered {code}")
        self.state = "gone"
        for place in self.target.places().values():
            if place in self.history.checker.places:
                self.history.drop(place)
        if self.target in self.load.targets:
            self.load.targets.remove(self.target)
        self.target = self.target.next_life()

    def _created(self, code):
        if code != NO_ERROR:
            raise TopicError(f"creating {self.target.topic} answered {code}")
        self.state = "there"
        self.life_count += 1

    def _is_listed(self, port):
        connection = wire.Connection(port)
        topics, _ = connection.metadata([self.target.topic], create=False)
        connection.close()
        error, partitions = topics[self.target.topic]
        if error not in (NO_ERROR, UNKNOWN_TOPIC) or (error == NO_ERROR and len(partitions) != self.target.partitions):
            raise TopicError(f"{self.target.topic} is listed with error {error}, partitions {sorted(partitions)}")
        return error == NO_ERROR
