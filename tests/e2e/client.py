"""A client of referrald in Python, written from proto/README.md and proto/referral.proto alone.

It shares no code with the daemon or with libreferral: what it cannot do, the specification does not say. Needs
python3-zmq and python3-protobuf, and referral_pb2 made by protoc on the path.
"""
import os
import random
import re
import time

import zmq

import referral_pb2 as pb

DEADLINE_S = 20


class NoAnswer(Exception):
    """Nothing came in time."""


def read_identity(path):
    """The keys of an identity file, as referralctl keys new writes it: secret, public, server."""
    if os.stat(path).st_mode & 0o077:
        raise PermissionError(f"{path} must be closed to everybody else: chmod 0600")
    with open(path, encoding="ascii") as f:
        return dict(re.findall(r'^(secret|public|server) = "([^"]{40})";$', f.read(), re.M))


def field_name(message):
    """The Envelope's field of a message: SendBack is send_back."""
    return next(f.name for f in pb.Envelope.DESCRIPTOR.fields if f.message_type == message.DESCRIPTOR)


class Connection:
    """One DEALER to one of the daemon's sockets. Sends one frame, an Envelope, and receives one."""

    _context = zmq.Context()
    asked = set()                                       # every verb that was ever asked by any of them

    identity = None         # of an identity file (read_identity); None: the daemon runs without keys

    def __init__(self, endpoint, identity=None):
        self.socket = self._context.socket(zmq.DEALER)
        keys = identity or self.identity
        if keys is not None:
            self.socket.curve_serverkey = keys["server"].encode()
            self.socket.curve_publickey = keys["public"].encode()
            self.socket.curve_secretkey = keys["secret"].encode()
        self.socket.setsockopt(zmq.LINGER, 0)           # we send again by ourselves
        self.socket.setsockopt(zmq.HEARTBEAT_IVL, 5000)
        self.socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 30000)
        self.socket.connect(endpoint)
        self.correlation = 0
        self.unasked = []                               # Offer, Feedback, Notice, in the order they came

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send_bytes(self, *frames):
        self.socket.send_multipart(frames)

    def receive(self, timeout_s):
        """The next Envelope, or None. A message of several frames is not ours to receive."""
        if not self.socket.poll(max(0, int(timeout_s * 1000))):
            return None
        frames = self.socket.recv_multipart()
        if len(frames) != 1 or len(frames[0]) > 65536:
            raise ValueError(f"{len(frames)} frames, the first of {len(frames[0])} bytes")
        envelope = pb.Envelope.FromString(frames[0])
        if envelope.version != 1 or envelope.WhichOneof("body") is None:
            raise ValueError("not an Envelope of version 1 with a body")
        if (envelope.correlation == 0) != (envelope.WhichOneof("body") in ("offer", "feedback", "notice")) \
                and envelope.WhichOneof("body") != "refusal":
            raise ValueError(f"{envelope.WhichOneof('body')} with correlation {envelope.correlation}")
        return envelope

    def ask_all(self, name, body, is_last=lambda answers: True):
        """Asks, and asks again until answered, as section 4 wants it. All answers, the last one last."""
        self.correlation += 1
        self.asked.add(name)
        ask = pb.Envelope(version=1, correlation=self.correlation, **{name: body})
        data, wait_s, answers = ask.SerializeToString(), 1.0, []
        until = time.monotonic() + DEADLINE_S
        while time.monotonic() < until:
            self.socket.send(data)
            again = time.monotonic() + wait_s * random.uniform(0.5, 1.5)
            while time.monotonic() < again:
                envelope = self.receive(again - time.monotonic())
                if envelope is None:
                    break
                kind = envelope.WhichOneof("body")
                if envelope.correlation == 0:
                    self.unasked.append((kind, getattr(envelope, kind)))
                elif envelope.correlation == self.correlation:
                    if kind == "refusal" and envelope.refusal.retryable:
                        again = time.monotonic() + envelope.refusal.retry_after_ms / 1000
                        continue
                    answers.append((kind, getattr(envelope, kind)))
                    if kind == "refusal" or is_last(answers):
                        return answers
            wait_s = min(2 * wait_s, 30.0)
        raise NoAnswer(name)

    def ask(self, name, body):
        """The answer as (kind, message)."""
        return self.ask_all(name, body)[-1]

    def expect(self, name, body, kind):
        """The answer, which must be of this kind."""
        got, answer = self.ask(name, body)
        if got != kind:
            raise AssertionError(f"{name} was answered with {got}: {answer}")
        return answer

    def refused(self, name, body):
        """The refusal that must be the answer."""
        return self.expect(name, body, "refusal")

    def next_unasked(self, kind, timeout_s=DEADLINE_S):
        """The next Offer, Feedback or Notice; others of the three stay where they are."""
        until = time.monotonic() + timeout_s
        while True:
            for i, (got, message) in enumerate(self.unasked):
                if got == kind:
                    del self.unasked[i]
                    return message
            envelope = self.receive(until - time.monotonic())
            if envelope is None:
                raise NoAnswer(kind)
            got = envelope.WhichOneof("body")
            if envelope.correlation == 0:
                self.unasked.append((got, getattr(envelope, got)))


class Adapter(Connection):
    """A source on the doors socket."""

    def __init__(self, endpoint, source, identity=None):
        super().__init__(endpoint, identity)
        self.source = source

    def submit(self, reference, referral):
        return self.expect("submit", pb.Submit(source=self.source, reference=reference, referral=referral), "receipt")

    def submit_refused(self, reference, referral):
        return self.refused("submit", pb.Submit(source=self.source, reference=reference, referral=referral))

    def open_mailbox(self, credit=100, after=None):
        ask = pb.MailboxOpen(source=self.source, credit=credit)
        if after is not None:
            ask.after = after
        return self.expect("mailbox_open", ask, "mailbox_opened")

    def feedback(self):
        return self.next_unasked("feedback")

    def acknowledge(self, upto):
        return self.expect("feedback_ack", pb.FeedbackAck(source=self.source, upto=upto), "acked")


    def amend(self, reference, referral, version):
        return self.expect("amend", pb.Amend(source=self.source, reference=reference, referral=referral,
                                             version=version), "changed")

    def withdraw(self, reference, reason, text=""):
        return self.expect("withdraw", pb.Withdraw(source=self.source, reference=reference, reason=reason, text=text),
                           "changed")

    def status(self, reference):
        return self.expect("status_query", pb.StatusQuery(source=self.source, reference=reference), "status_report")


class Worker(Connection):
    """An intake worker on the workers socket."""

    def __init__(self, endpoint, name, identity=None):
        super().__init__(endpoint, identity)
        self.name = name

    def subscribe(self, queues, credit):
        return self.expect("subscribe", pb.Subscribe(worker=self.name, queues=queues, credit=credit), "subscribed")

    def offer(self):
        return self.next_unasked("offer")

    def verb(self, message, offer, **fields):
        """A verb on a case, as a message ready to be asked: (field of the Envelope, body)."""
        body = message(worker=self.name, case_code=offer.case_code, token=offer.token, **fields)
        return field_name(message), body

    def done(self, message, offer, **fields):
        return self.expect(*self.verb(message, offer, **fields), "done")

    def accept(self, offer):
        """The Records of the case, oldest first."""
        name, body = self.verb(pb.Accept, offer)
        answers = self.ask_all(name, body, lambda a: a[-1][0] == "record" and a[-1][1].index + 1 == a[-1][1].total)
        if answers[-1][0] != "record":
            raise AssertionError(f"accept was answered with {answers[-1]}")
        return [record for _, record in answers]

    def goodbye(self):
        return self.expect("goodbye", pb.Goodbye(worker=self.name), "bye")


class Operator(Connection):
    """Somebody at a triage desk, on the admin socket."""

    def __init__(self, endpoint, name, identity=None):
        super().__init__(endpoint, identity)
        self.name = name

    def verb(self, message, reason, **fields):
        """A verb as a message ready to be asked."""
        return field_name(message), message(operator=self.name, reason=reason, **fields)

    def act(self, message, reason, **fields):
        """What it did. Tried dry first: what was said then must be what happens."""
        dry = self.expect(*self.verb(message, reason, dry_run=True, **fields), "acted")
        acted = self.expect(*self.verb(message, reason, **fields), "acted")
        if not dry.dry_run or acted.dry_run or list(dry.events) != list(acted.events) or dry.before != acted.before:
            raise AssertionError(f"the dry run said {dry}, and then {acted}")
        return acted

    def show(self, code):
        return self.expect("show", pb.Show(code=code), "shown")

    def queue(self, name):
        after = ""
        while True:
            page = self.expect("queue_list", pb.QueueList(after=after), "queues")
            for row in page.queues:
                if row.name == name:
                    return row
            if not page.more:
                raise LookupError(name)
            after = page.queues[-1].name
