"""Commands: section 3 of docs/protocol.md, as the tracker and as the console."""
from __future__ import annotations

import os
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterable, Optional, TextIO

STRING_MAX = 255
PIECE = 64 * 1024
DATE = re.compile(rb"\d\d/\d\d/\d\d\d\d \d\d:\d\d:\d\d")
# Each operation: how many strings follow it, and its last result.
OPERATIONS = {"REGISTER": (1, 2), "UNREGISTER": (1, 2), "CONNECT": (2, 3), "DISCONNECT": (1, 3), "PUBLISH": (3, 4),
              "DELETE": (2, 4), "LIST_USERS": (1, 3), "LIST_CONTENT": (2, 4), "GET_FILE": (1, 2)}
NOT_CONNECTED = 2


@dataclass
class Quirks:
    """What known peers do differently; each side has its own."""
    pieces: bool = False       # each string travels alone
    no_last_nul: bool = False  # the last string of a message has no NUL
    digits: bool = False       # a result is its ASCII digit
    dated: bool = False        # a date string follows the operation in commands to the tracker


class Silence(Exception):
    """The other side stopped in the middle, or said what makes no sense: it gets no answer."""


class TooLong(Silence):
    """A string that is longer than any may be: it gets the last result."""


class Strings:
    """One connection that carries strings, results and content."""

    def __init__(self, connected: socket.socket, timeout: float, quirks: Quirks) -> None:
        self.socket, self.quirks, self.rest = connected, quirks, b""
        connected.settimeout(timeout)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Strings:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def _more(self) -> bool:
        try:
            piece = self.socket.recv(PIECE)
        except OSError:
            raise Silence from None
        self.rest += piece
        return bool(piece)

    def string(self, end_will_do: bool = False) -> bytes:
        while b"\0" not in self.rest[:STRING_MAX + 1]:
            if len(self.rest) > STRING_MAX:
                raise TooLong
            if not self._more():
                if end_will_do and self.rest:
                    self.rest += b"\0"
                else:
                    raise Silence
        string, self.rest = self.rest.split(b"\0", 1)
        return string

    def byte(self) -> int:
        while not self.rest:
            if not self._more():
                raise Silence
        first, self.rest = self.rest[0], self.rest[1:]
        return first

    def result(self) -> int:
        byte = self.byte()
        return byte - 0x30 if 0x30 <= byte <= 0x34 else byte

    def content(self, size: int) -> Iterable[bytes]:
        while size:
            if not self.rest and not self._more():
                raise Silence
            piece, self.rest = self.rest[:size], self.rest[size:]
            size -= len(piece)
            yield piece

    def send(self, strings: list[bytes], result: Optional[int] = None) -> None:
        """A result, if there is one, and strings: in one write, or each alone."""
        parts = [string + b"\0" for string in strings]
        if parts and self.quirks.no_last_nul:
            parts[-1] = parts[-1][:-1]
        if result is not None:
            parts.insert(0, b"%d" % result if self.quirks.digits else bytes([result]))
        for part in parts if self.quirks.pieces else [b"".join(parts)]:
            self.socket.sendall(part)
            if self.quirks.pieces:
                time.sleep(0.002)

    def close(self) -> None:
        """Finish, and wait for the other side to do so: a close with unread bytes would reset what is on its way."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
            while self.socket.recv(PIECE):
                pass
        except OSError:
            pass
        self.socket.close()


def serve(listener: socket.socket, timeout: float, quirks: Quirks, attend: Callable[[Strings, str], None]) -> None:
    """Each connection in a thread of its own, until the listener is closed."""
    def one(connected: socket.socket, address: str) -> None:
        with Strings(connected, timeout, quirks) as stream:
            try:
                attend(stream, address)
                stream.close()
            except (Silence, OSError):
                pass

    while True:
        try:
            connected, address = listener.accept()
        except OSError:
            return
        threading.Thread(target=one, args=(connected, address[0]), daemon=True).start()


@dataclass
class Account:
    files: dict[bytes, bytes] = field(default_factory=dict)  # in the order of their publication
    door: Optional[tuple[str, bytes]] = None                 # address and port while connected


class Tracker:
    """The directory; answer is a result that stands for all others, to see what a console makes of it."""

    def __init__(self, quirks: Quirks, answer: Optional[int], log: bool) -> None:
        self.quirks, self.answer, self.log = quirks, answer, log
        self.accounts: dict[bytes, Account] = {}
        self.lock = threading.Lock()

    def attend(self, stream: Strings, address: str) -> None:
        operation = stream.string().decode("ascii", "replace").upper()
        if operation not in OPERATIONS or operation == "GET_FILE":
            raise Silence
        strings: list[bytes] = []
        if self.quirks.dated and not DATE.fullmatch(stream.string()):
            raise Silence
        try:
            while len(strings) < OPERATIONS[operation][0]:
                strings.append(stream.string())
        except TooLong:
            stream.send([], OPERATIONS[operation][1])
            return
        if self.log:
            print(operation, *strings, flush=True)
        with self.lock:
            result, lines = self.decide(operation, strings, address)
        if self.answer is not None:
            result, lines = self.answer, []
        stream.send(lines, result)

    def decide(self, operation: str, strings: list[bytes], address: str) -> tuple[int, list[bytes]]:
        last, user = OPERATIONS[operation][1], strings[0]
        if not shown(user):
            return last, []
        account = self.accounts.get(user)
        if operation == "REGISTER":
            self.accounts.setdefault(user, Account())
            return (1 if account else 0), []
        if account is None:
            return 1, []
        if operation == "UNREGISTER":
            del self.accounts[user]
            return 0, []
        if operation == "CONNECT":
            if account.door:
                return 2, []
            if not strings[1].isdigit() or not 0 < int(strings[1]) < 65536:
                return last, []
            account.door = (address, strings[1])
            return 0, []
        if account.door is None:
            return NOT_CONNECTED, []
        if operation == "DISCONNECT":
            account.door = None
        elif operation == "LIST_USERS":
            entries = [(name, *entry.door) for name, entry in self.accounts.items() if entry.door]
            return 0, [b"%d" % len(entries), *(part for name, ip, port in entries for part in (name, ip.encode(), port))]
        elif operation == "LIST_CONTENT":
            other = self.accounts.get(strings[1])
            return (0, [b"%d" % len(other.files), *other.files]) if other else (3, [])
        elif not shown(strings[1]):
            return last, []
        elif (operation == "PUBLISH") == (strings[1] in account.files):
            return 3, []
        elif operation == "PUBLISH":
            account.files[strings[1]] = strings[2]
        else:
            del account.files[strings[1]]
        return 0, []


def shown(text: bytes) -> bool:
    """Neither empty nor too long, UTF-8, without control characters."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        return False
    return 0 < len(text) <= STRING_MAX and not any(c < " " or "\x7f" <= c < "\xa0" for c in decoded)


MESSAGES = {
    "REGISTER": ["REGISTER OK", "USERNAME IN USE", "REGISTER FAIL"],
    "UNREGISTER": ["UNREGISTER OK", "USER DOES NOT EXIST", "UNREGISTER FAIL"],
    "CONNECT": ["CONNECT OK", "CONNECT FAIL, USER DOES NOT EXIST", "USER ALREADY CONNECTED", "CONNECT FAIL"],
    "GET_FILE": ["GET_FILE OK", "GET_FILE FAIL, FILE NOT EXIST", "GET_FILE FAIL"],
}
for _name, _third in (("DISCONNECT", ""), ("PUBLISH", ", CONTENT ALREADY PUBLISHED"),
                      ("DELETE", ", CONTENT NOT PUBLISHED"), ("LIST_USERS", ""),
                      ("LIST_CONTENT", ", REMOTE USER DOES NOT EXIST")):
    MESSAGES[_name] = [f"{_name} OK", f"{_name} FAIL, USER DOES NOT EXIST", f"{_name} FAIL, USER NOT CONNECTED"]
    MESSAGES[_name] += [f"{_name} FAIL{_third}", f"{_name} FAIL"] if _third else [f"{_name} FAIL"]
USAGES = {"REGISTER": "<userName>", "UNREGISTER": "<userName>", "CONNECT": "<userName>", "DISCONNECT": "<userName>",
          "PUBLISH": "<fileName> <description>", "DELETE": "<fileName>", "LIST_USERS": "",
          "LIST_CONTENT": "<userName>", "GET_FILE": "<userName> <remote_fileName> <local_fileName>", "QUIT": ""}


class Console:
    """The commands of one user, one after the other."""

    def __init__(self, tracker: tuple[str, int], timeout: float, quirks: Quirks) -> None:
        self.tracker, self.timeout, self.quirks = tracker, timeout, quirks
        self.user: Optional[bytes] = None
        self.listener: Optional[socket.socket] = None
        self.published: set[tuple[bytes, bytes]] = set()

    def run(self, lines: TextIO) -> None:
        while True:
            print("c> ", end="", flush=True)
            line = lines.readline()
            if not line or not self.obey(line):
                break
        if self.user is not None:
            self.command("DISCONNECT", self.user)
        print("+++ FINISHED +++", flush=True)

    def obey(self, line: str) -> bool:
        """Runs one line; False when it is the last."""
        words = os.fsencode(line).split(None, 2 if line.upper().split()[:1] == ["PUBLISH"] else -1)
        if not words:
            return True
        operation, arguments = words[0].decode(errors="replace").upper(), [word.strip() for word in words[1:]]
        usage = USAGES.get(operation)
        if usage is None:
            print(f"Error: command {words[0].decode(errors='replace')} not valid.")
        elif len(arguments) != len(usage.split()):
            print(f"Syntax error. Usage: {operation} {usage}".rstrip())
        elif operation == "QUIT":
            return False
        else:
            result, shown_lines = self.command(operation, *arguments)
            messages = MESSAGES[operation]
            print(messages[min(result, len(messages) - 1)])
            for text in shown_lines:
                print(text)
        return True

    def command(self, operation: str, *arguments: bytes) -> tuple[int, list[str]]:
        try:
            if operation == "CONNECT":
                return self.connect(arguments[0]), []
            if operation == "DISCONNECT":
                return self.disconnect(arguments[0]), []
            if operation in ("REGISTER", "UNREGISTER"):
                return self.ask(operation, *arguments)[0], []
            if self.user is None:
                return (2 if operation == "GET_FILE" else NOT_CONNECTED), []
            if operation == "GET_FILE":
                return self.get_file(*arguments), []
            result, strings = self.ask(operation, self.user, *arguments)
            if operation == "PUBLISH" and result in (0, 3):
                self.published.add((self.user, arguments[0]))
            elif operation == "DELETE" and result in (0, 3):
                self.published.discard((self.user, arguments[0]))
            each = 3 if operation == "LIST_USERS" else 1
            texts = [string.decode(errors="replace") for string in strings]
            return result, [" ".join(texts[i:i + each]) for i in range(0, len(texts), each)]
        except (OSError, Silence, ValueError):
            return OPERATIONS[operation][1], []

    def ask(self, operation: str, *strings: bytes) -> tuple[int, list[bytes]]:
        """One command to the tracker: the result, and the strings of a list."""
        date = [time.strftime("%d/%m/%Y %H:%M:%S").encode()] if self.quirks.dated else []
        with self.call(self.tracker) as stream:
            stream.send([operation.encode(), *date, *strings])
            result = stream.result()
            if result or not operation.startswith("LIST"):
                return result, []
            left = int(stream.string()) * (3 if operation == "LIST_USERS" else 1)
            return result, [stream.string(end_will_do=place == left) for place in range(1, left + 1)]

    def call(self, where: tuple[str, int]) -> Strings:
        return Strings(socket.create_connection(where, self.timeout), self.timeout, self.quirks)

    def connect(self, user: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        try:
            result, _ = self.ask("CONNECT", user, b"%d" % listener.getsockname()[1])
        except (OSError, Silence):
            listener.close()
            raise
        if result:
            listener.close()
            return result
        self.close_door()
        before, self.user, self.listener = self.user, user, listener
        if before not in (None, user):
            self.ask("DISCONNECT", before)
        threading.Thread(target=serve, args=(listener, self.timeout, self.quirks, self.deliver), daemon=True).start()
        return result

    def close_door(self) -> None:
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None

    def disconnect(self, user: bytes) -> int:
        try:
            return self.ask("DISCONNECT", user)[0]
        finally:
            self.close_door()
            self.user = None if user == self.user else self.user

    def get_file(self, owner: bytes, remote: bytes, local: bytes) -> int:
        assert self.user is not None
        result, strings = self.ask("LIST_USERS", self.user)
        doors = {strings[i]: (strings[i + 1].decode(), int(strings[i + 2])) for i in range(0, len(strings), 3)}
        if result or owner not in doors:
            return 2
        with self.call(doors[owner]) as stream:
            stream.send([b"GET_FILE", remote])
            if result := stream.result():
                return result
            size = int(stream.string())
            part = Path(os.fsdecode(local) + ".part")
            try:
                with open(part, "wb") as output:
                    output.writelines(stream.content(size))
                os.replace(part, local)
            finally:
                part.unlink(missing_ok=True)
        return 0

    def deliver(self, stream: Strings, _: str) -> None:
        """Another console's GET_FILE."""
        if stream.string().upper() != b"GET_FILE":
            raise Silence
        path = stream.string()
        if self.user is None or (self.user, path) not in self.published or not os.path.isfile(path):
            stream.send([], 1)
            return
        with open(path, "rb") as source:
            size = os.fstat(source.fileno()).st_size
            stream.quirks = Quirks(pieces=self.quirks.pieces, digits=self.quirks.digits)  # the size always has its NUL
            stream.send([b"%d" % size], 0)
            while size and (piece := source.read(min(size, PIECE))):
                stream.socket.sendall(piece)
                size -= len(piece)
        if size:
            raise Silence
