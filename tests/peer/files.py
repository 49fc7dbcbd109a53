"""File transfer messages: section 1 of docs/protocol.md, over any byte stream."""
from __future__ import annotations

import os
import select
import socket
import struct
import tempfile
import time
from pathlib import Path
from typing import BinaryIO, Optional, Protocol

UPLOAD, REQUEST, DOWNLOAD, CONFIRM, ERROR = range(5)
MALFORMED, NOT_FOUND, BAD_NAME, STORAGE_FAULT = 0, 1, 5, 8
PIECE = 64 * 1024


class Stream(Protocol):
    """What rdt.Connection and TcpStream have in common."""
    def send(self, data: bytes, watch: bool = False) -> bool: ...
    def receive(self, limit: int) -> bytes: ...
    def finish(self) -> None: ...
    def close(self, keep_unsent: bool = True) -> int: ...
    def abandon(self) -> None: ...


class Refused(Exception):
    """An Error message, to be sent or received."""
    def __init__(self, code: int) -> None:
        super().__init__(f"error {code}")
        self.code = code


class TcpStream:
    """A TCP socket with the calls of rdt.Connection."""

    def __init__(self, connected: socket.socket, timeout: float) -> None:
        self.socket, self.timeout = connected, timeout
        connected.settimeout(timeout)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes, watch: bool = False) -> bool:
        """Send all of data; with watch, stop with False as soon as the other side says something."""
        rest = memoryview(data)
        while rest:
            readable, writable, _ = select.select([self.socket] if watch else [], [self.socket], [], self.timeout)
            if readable:
                return False
            if not writable:
                raise TimeoutError("time-out")
            rest = rest[self.socket.send(rest):]
        return True

    def receive(self, limit: int) -> bytes:
        return self.socket.recv(limit)

    def finish(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def close(self, keep_unsent: bool = True) -> int:
        """Half-close and read to the end: a close with unread bytes would reset what is still on its way."""
        discarded = 0
        try:
            self.finish()
            while data := self.receive(PIECE):
                discarded += len(data)
        except OSError:
            pass
        self.socket.close()
        return discarded

    def abandon(self) -> None:
        self.socket.close()


def upload_header(length: int, name: bytes) -> bytes:
    return struct.pack("<BQH", UPLOAD, length, len(name)) + name


def download_request(name: bytes) -> bytes:
    return struct.pack("<BH", REQUEST, len(name)) + name


def download_header(length: int) -> bytes:
    return struct.pack("<BQ", DOWNLOAD, length)


def error(code: int) -> bytes:
    return bytes([ERROR, code])


def read_exactly(stream: Stream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = stream.receive(size - len(data))
        if not piece:
            raise EOFError("the stream ended inside a message")
        data += piece
    return data


def copy_in(stream: Stream, output: BinaryIO, length: int) -> None:
    while length:
        piece = read_exactly(stream, min(length, PIECE))
        output.write(piece)
        length -= len(piece)


def send_header(stream: Stream, header: bytes, drip: bool) -> None:
    """Drip sends byte by byte, slowly enough that each one travels alone."""
    for piece in [header[i:i + 1] for i in range(len(header))] if drip else [header]:
        stream.send(piece)
        if drip:
            time.sleep(0.002)


def read_answer(stream: Stream, wanted: int) -> None:
    """The type byte of the answer, which must be the wanted one; Refused when it is an Error."""
    answer = read_exactly(stream, 1)[0]
    if answer == ERROR:
        raise Refused(read_exactly(stream, 1)[0])
    if answer != wanted:
        raise ValueError(f"answer of type {answer} where {wanted} was due")


def get(stream: Stream, name: bytes, out: Path, drip: bool, half_close: bool, limit: Optional[int]) -> bool:
    """Download; False when the length is over the limit and the client leaves early."""
    send_header(stream, download_request(name), drip)
    if half_close:
        stream.finish()
    read_answer(stream, DOWNLOAD)
    length: int = struct.unpack("<Q", read_exactly(stream, 8))[0]
    if limit is not None and length > limit:
        return False
    part = out.with_name(out.name + ".part")
    try:
        with open(part, "wb") as output:
            copy_in(stream, output, length)
        os.replace(part, out)
    finally:
        part.unlink(missing_ok=True)
    return True


def put(stream: Stream, file: Path, name: bytes, drip: bool, half_close: bool) -> None:
    """Upload, watching for an early Error while sending."""
    whole = True
    with open(file, "rb") as source:
        try:
            send_header(stream, upload_header(os.fstat(source.fileno()).st_size, name), drip)
            while whole and (piece := source.read(PIECE)):
                whole = stream.send(piece, watch=True)
            if whole and half_close:
                stream.finish()
        except OSError:
            whole = False  # a server that refused and closed breaks our sending, but its Error may be here
    read_answer(stream, CONFIRM)
    if not whole:
        raise ValueError("Confirm before the whole upload was sent")


def locate(directory: Path, name: bytes) -> Path:
    """The path of a name, or Refused when it could leave the directory."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        raise Refused(BAD_NAME) from None
    if "\0" in text or any(part in ("", ".", "..") for part in text.split("/")):
        raise Refused(BAD_NAME)
    path = (directory / text).resolve()
    if not path.is_relative_to(directory.resolve()):
        raise Refused(BAD_NAME)
    return path


def serve_one(stream: Stream, directory: Path, refuse: Optional[int]) -> None:
    """Answer one request; refuse is an Error code to answer to every well-formed one."""
    first = stream.receive(1)
    if first:
        try:
            if first[0] == UPLOAD:
                length, name_length = struct.unpack("<QH", read_exactly(stream, 10))
                _store(stream, directory, read_exactly(stream, name_length), length, refuse)
            elif first[0] == REQUEST:
                name_length = struct.unpack("<H", read_exactly(stream, 2))[0]
                _deliver(stream, directory, read_exactly(stream, name_length), refuse)
            else:
                raise Refused(MALFORMED)
        except Refused as refusal:
            stream.send(error(refusal.code))
        except EOFError:
            stream.send(error(MALFORMED))
    stream.close()


def _store(stream: Stream, directory: Path, name: bytes, length: int, refuse: Optional[int]) -> None:
    target = locate(directory, name)
    if refuse is not None or target.is_dir():
        raise Refused(BAD_NAME if refuse is None else refuse)
    handle, temporary = tempfile.mkstemp(dir=directory, prefix=".upload-")
    try:
        with open(handle, "wb") as output:
            copy_in(stream, output, length)
            output.flush()
            os.fsync(output.fileno())
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(temporary, target)
        except OSError:
            raise Refused(STORAGE_FAULT) from None
    finally:
        Path(temporary).unlink(missing_ok=True)
    stream.send(bytes([CONFIRM]))


def _deliver(stream: Stream, directory: Path, name: bytes, refuse: Optional[int]) -> None:
    path = locate(directory, name)
    if refuse is not None or not os.path.isfile(path):
        raise Refused(NOT_FOUND if refuse is None else refuse)
    with open(path, "rb") as source:
        rest = os.fstat(source.fileno()).st_size
        stream.send(download_header(rest))
        while rest and (piece := source.read(min(rest, PIECE))):
            stream.send(piece)
            rest -= len(piece)
    if rest:
        raise ConnectionError("the file shrank while it was sent")
