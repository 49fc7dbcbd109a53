"""Legacy RDT over UDP: section 2 of docs/protocol.md and nothing else.

An Endpoint owns one UDP socket and one thread that receives, keeps the timers and injects faults.
Connections are plain byte streams with blocking calls. One condition guards everything of an endpoint:
slower than finer locks, but easy to be sure of, and this peer is here to be right, not fast.
"""
from __future__ import annotations

import os
import queue
import random
import select
import socket
import struct
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Callable, NamedTuple, Optional, Union

Address = tuple[str, int]
CONNECT, CONNACK, INFO, ACK, FIN, FINACK = range(6)
RAW, ASCII = 0x00, 0x30  # what is added to a type to make its byte on the wire
LARGEST_BODY = 65507 - 32 - 7  # a UDP payload less the longest magic and the INFO header
LARGEST_WINDOW = 500
BEAT = 0.02  # seconds between two looks at the timers: simpler than a heap of deadlines
UNSENT_LIMIT = 128 * 1024
UNREAD_LIMIT = 1024 * 1024
EXIT_STRICT = 70


@dataclass
class Settings:
    """How this peer speaks; the defaults are the known peer in stop-and-wait."""
    magic: bytes = b"ROSTOV"
    kind: int = RAW
    selective: bool = False
    window: int = LARGEST_WINDOW  # selective repeat only, both for sending and for storing
    body: int = 1024
    uneven: bool = False
    empty_first: bool = True
    rto: float = 0.2
    tries: int = 20
    linger: float = 2.0  # quiet seconds after the end in which a late FIN is still answered
    timeout: float = 15.0
    backlog: int = 16
    strict: bool = False
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    seed: int = 0

    @property
    def width(self) -> int:
        """How many INFO numbers there are."""
        return 2**32 if self.selective else 2**16


class Malformed(Exception):
    """A datagram with our magic that section 2 does not know."""


class Packet(NamedTuple):
    kind: int
    type: int
    number: int = 0
    body: bytes = b""


def encode(packet: Packet) -> bytes:
    """The bytes after the magic."""
    head = bytes([packet.kind + packet.type])
    if packet.type == INFO:
        return head + struct.pack(">HI", len(packet.body), packet.number) + packet.body
    return head + struct.pack(">I", packet.number) if packet.type == ACK else head


def decode(data: bytes, width: int) -> Packet:
    """The inverse of encode; whatever is not exactly one packet of section 2 is Malformed."""
    kind = ASCII if data and ASCII <= data[0] <= ASCII + FINACK else RAW
    if not data or data[0] - kind > FINACK:
        raise Malformed("unknown type")
    packet = Packet(kind, data[0] - kind)
    if packet.type == INFO:
        if len(data) < 7 or len(data) - 7 != struct.unpack_from(">H", data, 1)[0]:
            raise Malformed("INFO whose length is wrong")
        packet = packet._replace(number=struct.unpack_from(">I", data, 3)[0], body=data[7:])
    elif len(data) != (5 if packet.type == ACK else 1):
        raise Malformed(f"wrong length for type {packet.type}")
    elif packet.type == ACK:
        packet = packet._replace(number=struct.unpack_from(">I", data, 1)[0])
    if packet.number >= width:
        raise Malformed(f"number {packet.number} where stop-and-wait wraps at {width}")
    return packet


@dataclass
class Unanswered:
    """A packet that is sent again until its answer comes."""
    packet: Packet
    sent_at: float
    tries: int = 1


class Connection:
    """One stream. Numbers are counted without end inside and wrapped on the wire."""

    def __init__(self, endpoint: Endpoint, address: Address, kind: int, initiator: bool) -> None:
        self.endpoint, self.settings, self.address, self.kind = endpoint, endpoint.settings, address, kind
        self.window = self.settings.window if self.settings.selective else 1
        self.initiator = initiator
        self.opened = not initiator
        self.failure: Optional[str] = None
        self.unanswered: dict[Union[int, str], Unanswered] = {}  # keys: INFO numbers, "connect", "finish"
        self.unsent, self.unread = bytearray(), bytearray()
        self.base = self.next = self.expected = 0
        self.stored: dict[int, bytes] = {}
        self.accepted_bytes = self.acknowledged_bytes = self.discarded_bytes = 0
        self.finishing = self.finish_sent = self.finish_answered = self.finish_received = self.discarding = False
        self.heard_at = time.monotonic()
        if initiator:
            self._post("connect", Packet(self.kind, CONNECT))

    # What the endpoint calls, with the condition held.

    def handle(self, packet: Packet) -> None:
        """Act on one packet of the other side."""
        self.heard_at = time.monotonic()
        if packet.type == CONNECT and not self.initiator:
            self.kind = packet.kind
            self._transmit(Packet(self.kind, CONNACK))
        elif packet.type == CONNACK and self.unanswered.pop("connect", None):
            self.opened = True
            if self.settings.empty_first:
                self._post_info(b"")
        elif packet.type == INFO and self.opened:
            self._handle_info(packet)
        elif packet.type == ACK:
            number = self.base + (packet.number - self.base) % self.settings.width
            answered = self.unanswered.pop(number, None)
            if answered:
                self.acknowledged_bytes += len(answered.packet.body)
            while self.base < self.next and self.base not in self.unanswered:
                self.base += 1
        elif packet.type == FIN and self.opened and not self.stored:  # behind a gap, a FIN came too early
            self.finish_received = True
            self._transmit(Packet(self.kind, FINACK))
        elif packet.type == FINACK and self.unanswered.pop("finish", None):
            self.finish_answered = True
        self._push()
        self.endpoint.condition.notify_all()

    def _handle_info(self, packet: Packet) -> None:
        width = self.settings.width
        ahead = (packet.number - self.expected) % width
        if ahead < self.window:
            if self.finish_received or len(self.unread) >= UNREAD_LIMIT:
                return
            self.stored[self.expected + ahead] = packet.body
            while self.expected in self.stored:
                body = self.stored.pop(self.expected)
                self.expected += 1
                if self.discarding:
                    self.discarded_bytes += len(body)
                else:
                    self.unread += body
        elif ahead < width // 2:
            return  # a future number outside of the window: silence makes it come again
        self._transmit(Packet(self.kind, ACK, packet.number))

    def tick(self, now: float) -> bool:
        """Send again what is due; False when the endpoint may forget this connection."""
        for item in list(self.unanswered.values()):
            if now - item.sent_at < self.settings.rto:
                continue
            if item.tries >= self.settings.tries:
                self.fail(f"no answer to packet type {item.packet.type} after {item.tries} tries")
                break
            item.tries, item.sent_at = item.tries + 1, now
            self._transmit(item.packet)
        quiet = now - self.heard_at
        return self.failure is None and not (self.ended and quiet > self.settings.linger)

    def fail(self, reason: str) -> None:
        """End it with an error that says how much was delivered."""
        self.failure = self.failure or (
            f"{reason}; {self.acknowledged_bytes} of {self.accepted_bytes} bytes were acknowledged")
        self.unanswered.clear()
        self.endpoint.condition.notify_all()

    @property
    def ended(self) -> bool:
        return self.finish_answered and self.finish_received

    def _transmit(self, packet: Packet) -> None:
        self.endpoint.transmit(self.settings.magic + encode(packet), self.address)

    def _post(self, key: Union[int, str], packet: Packet) -> None:
        self.unanswered[key] = Unanswered(packet, time.monotonic())
        self._transmit(packet)

    def _post_info(self, body: bytes) -> None:
        self._post(self.next, Packet(self.kind, INFO, self.next % self.settings.width, body))
        self.next += 1

    def _push(self) -> None:
        """Send as much as the window allows, and FIN after the last acknowledgement."""
        if not self.opened or self.failure:
            return
        while self.unsent and self.next - self.base < self.window:
            size = self.endpoint.random.randint(1, self.settings.body) if self.settings.uneven else self.settings.body
            body = bytes(self.unsent[:size])
            del self.unsent[:size]
            self._post_info(body)
        if self.finishing and not self.finish_sent and not self.unsent and self.base == self.next:
            self.finish_sent = True
            self._post("finish", Packet(self.kind, FIN))

    # What the application calls.

    def wait(self, ready: Callable[[], bool]) -> None:
        """Wait until ready; the connection fails when the other side is silent for the whole time-out."""
        started = time.monotonic()
        while not self.endpoint.condition.wait_for(lambda: self.failure or ready(), 0.5):
            if time.monotonic() - max(started, self.heard_at) > self.settings.timeout:
                self.fail("time-out")
        if not ready():
            raise ConnectionError(self.failure)

    def send(self, data: bytes, watch: bool = False) -> bool:
        """Queue data; with watch, False (and nothing queued) as soon as the other side says something."""
        with self.endpoint.condition:
            def spoken() -> bool:
                return watch and bool(self.unread or self.finish_received)
            self.wait(lambda: spoken() or (len(self.unsent) < UNSENT_LIMIT and not self.failure))
            if spoken():
                return False
            self.unsent += data
            self.accepted_bytes += len(data)
            self._push()
            return True

    def receive(self, limit: int) -> bytes:
        """At least one byte, or b"" at the end of the other side's direction."""
        with self.endpoint.condition:
            self.wait(lambda: bool(self.unread) or self.finish_received)
            data = bytes(self.unread[:limit])
            del self.unread[:limit]
            return data

    def finish(self) -> None:
        """Half-close: FIN follows the last acknowledgement."""
        with self.endpoint.condition:
            self.finishing = True
            self._push()

    def close(self, keep_unsent: bool = True) -> int:
        """Finish, read and discard to the other side's end; returns how many bytes were discarded."""
        with self.endpoint.condition:
            self.discarding = True
            self.discarded_bytes += len(self.unread)
            self.unread.clear()
            if not keep_unsent:
                self.unsent.clear()
            self.finish()
            self.wait(lambda: self.ended)
            return self.discarded_bytes

    def abandon(self) -> None:
        """Forget it; the other side hears nothing more."""
        with self.endpoint.condition:
            self.fail("abandoned")


class Endpoint:
    """One UDP socket, for one connection of a client or for all those of a server."""

    def __init__(self, settings: Settings, port: int = 0, listening: bool = False) -> None:
        self.settings = settings
        self.random = random.Random(settings.seed)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        self.socket.bind(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]
        self.condition = threading.Condition(threading.RLock())
        self.connections: dict[Address, Connection] = {}
        self.arrivals: Optional[queue.Queue[Connection]] = queue.Queue(settings.backlog) if listening else None
        self.delayed: list[tuple[float, Callable[[], None]]] = []
        self.counts: Counter[str] = Counter()
        threading.Thread(target=self._run, daemon=True).start()

    def connect(self, address: Address) -> Connection:
        with self.condition:
            connection = Connection(self, address, self.settings.kind, initiator=True)
            self.connections[address] = connection
            connection.wait(lambda: connection.opened)
            return connection

    def accept(self) -> Connection:
        assert self.arrivals is not None
        return self.arrivals.get()

    def drain(self) -> None:
        """Wait until every connection has ended and lingered, so that no FIN stays unanswered."""
        with self.condition:
            self.condition.wait_for(lambda: not self.connections)

    def transmit(self, datagram: bytes, address: Address) -> None:
        """Send, through the faults. A full socket buffer is one more way to lose a datagram."""
        def send() -> None:
            try:
                self.socket.sendto(datagram, address)
            except BlockingIOError:
                self.counts["send-dropped"] += 1
        self._through_faults(send)

    def _through_faults(self, action: Callable[[], None]) -> None:
        chance, settings = self.random.random, self.settings
        if chance() < settings.loss:
            self.counts["lost"] += 1
            return
        for _ in range(2 if chance() < settings.duplicate else 1):
            if chance() < settings.reorder:
                self.delayed.append((time.monotonic() + self.random.uniform(0.01, 0.06), action))
            else:
                action()

    def _run(self) -> None:
        next_beat = 0.0
        while True:
            readable = select.select([self.socket], [], [], BEAT)[0]
            with self.condition:
                for _ in range(100 if readable else 0):
                    try:
                        datagram, address = self.socket.recvfrom(65536)
                    except BlockingIOError:
                        break
                    self._through_faults(lambda datagram=datagram, address=address: self._dispatch(datagram, address))
                now = time.monotonic()
                if now < next_beat:
                    continue
                next_beat = now + BEAT
                due = [action for at, action in self.delayed if at <= now]
                self.delayed = [entry for entry in self.delayed if entry[0] > now]
                for action in due:
                    action()
                for address, connection in list(self.connections.items()):
                    if not connection.tick(now):
                        del self.connections[address]
                        self.condition.notify_all()

    def _dispatch(self, datagram: bytes, address: Address) -> None:
        magic = self.settings.magic
        if not datagram.startswith(magic):
            self.counts["other-magic"] += 1
            return
        connection = self.connections.get(address)
        try:
            packet = decode(datagram[len(magic):], self.settings.width)
            if connection and packet.type != CONNECT and packet.kind != connection.kind:
                raise Malformed("a type byte of the other kind")
        except Malformed as problem:
            self.counts["ignored"] += 1
            if self.settings.strict:
                print(f"strict: {problem}: {datagram[:40].hex()}", file=sys.stderr, flush=True)
                os._exit(EXIT_STRICT)
            return
        if packet.type == CONNECT and self.arrivals and (connection is None or connection.ended):
            connection = self._arrive(packet, address)
        elif connection is None:
            self.counts["stray"] += 1
        if connection:
            connection.handle(packet)

    def _arrive(self, packet: Packet, address: Address) -> Optional[Connection]:
        """Queue a new client; when the queue is full its CONNECT is dropped and will come again."""
        assert self.arrivals is not None
        connection = Connection(self, address, packet.kind, initiator=False)
        try:
            self.arrivals.put_nowait(connection)
        except queue.Full:
            self.counts["queue-full"] += 1
            return None
        self.connections[address] = connection
        return connection
