"""The command line of the independent peer: serve, get, put, tracker and console. See README.md."""
from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
from dataclasses import fields
from pathlib import Path
from typing import Callable, Optional

import commands
import files
import rdt

DONE, SERVER_ERROR, NETWORK_FAILURE, TOO_LARGE = 0, 1, 3, 4
NO_SUCH_FILE = "Error: El archivo no existe".encode()
KNOWN_READ = 1024  # the known path server and client call recv once, with about this much room
kept_open: list[files.TcpStream] = []  # what the known path server never closes


def settings_of(options: argparse.Namespace) -> rdt.Settings:
    """The options carry the names of the settings; three of them need a translation."""
    names = [field.name for field in fields(rdt.Settings) if hasattr(options, field.name)]
    values = {name: getattr(options, name) for name in names}
    selective = options.mode == "sr"
    values.update(magic=bytes.fromhex(options.magic), kind=rdt.ASCII if options.ascii else rdt.RAW,
                  selective=selective, rto=options.rto or (1.5 if selective else 0.2))
    return rdt.Settings(**values)


def report(endpoint: Optional[rdt.Endpoint]) -> None:
    if endpoint:
        names = ("other-magic", "ignored", "stray", "lost", "queue-full")
        print("rdt", *(f"{name}={endpoint.counts[name]}" for name in names), file=sys.stderr, flush=True)


def serve_path(stream: files.TcpStream, directory: Path, known: bool) -> None:
    """Section 4. The known server takes one recv, has no terminator, and never closes."""
    name = stream.receive(KNOWN_READ)
    if not known:
        stream.socket.settimeout(0.5)  # a client with neither a terminator nor a half-close is served after this
        try:
            while not (b"\n" in name or b"\0" in name or len(name) > 4096) and (more := stream.receive(KNOWN_READ)):
                name += more
        except TimeoutError:
            pass
        stream.socket.settimeout(stream.timeout)
        name = name.replace(b"\0", b"\n").split(b"\n")[0].removesuffix(b"\r")
    try:
        content = files.locate(directory, name.removeprefix(b"/")).read_bytes()
    except (OSError, files.Refused):
        content = NO_SUCH_FILE
    stream.send(content)
    if known:
        kept_open.append(stream)
    else:
        stream.close()


def serve(options: argparse.Namespace) -> int:
    directory = Path(options.dir)
    endpoint: Optional[rdt.Endpoint] = None
    accept: Callable[[], files.Stream]
    if options.rdt is not None:
        endpoint = rdt.Endpoint(settings_of(options), options.rdt, listening=True)
        accept, port = endpoint.accept, endpoint.port
    else:
        wanted = options.tcp if options.tcp is not None else options.path
        listener = socket.create_server(("127.0.0.1", wanted), backlog=options.backlog)
        port = listener.getsockname()[1]

        def accept() -> files.Stream:
            return files.TcpStream(listener.accept()[0], options.timeout)

    def stop(*_: object) -> None:
        report(endpoint)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    print(f"listening {port}", flush=True)
    seats = threading.Semaphore(options.clients)

    def attend(stream: files.Stream) -> None:
        try:
            if options.path is not None:
                serve_path(stream, directory, options.known)
            else:
                files.serve_one(stream, directory, options.refuse)
        except OSError as problem:
            print(f"client: {problem}", file=sys.stderr, flush=True)
            stream.abandon()
        finally:
            seats.release()

    while True:
        seats.acquire()
        threading.Thread(target=attend, args=(accept(),), daemon=True).start()


def get_path(stream: files.TcpStream, options: argparse.Namespace) -> int:
    """Section 4. The known client ends its request in no way at all and leaves after one recv."""
    terminator = b"\n" if options.newline else b"\0" if options.nul else b""
    files.send_header(stream, os.fsencode(options.name) + terminator, options.drip)
    content = b""
    if options.known:
        content = stream.receive(KNOWN_READ)
    else:
        if not terminator:
            stream.finish()
        while piece := stream.receive(files.PIECE):
            content += piece
    stream.abandon()
    if content == NO_SUCH_FILE:
        print(content.decode())
        return SERVER_ERROR
    Path(options.out).write_bytes(content)
    return DONE


def transfer(stream: files.Stream, options: argparse.Namespace) -> int:
    """Section 1, get or put. Once the answer is here, a bad close is told but does not change the result."""
    name, result = os.fsencode(options.name), DONE
    try:
        if options.command == "put":
            files.put(stream, Path(options.file), name, options.drip, options.half_close)
        elif not files.get(stream, name, Path(options.out), options.drip, options.half_close, options.limit):
            print("too large", flush=True)
            if options.tcp:
                stream.abandon()  # RDT has no such end: there the rest is read and discarded
            result = TOO_LARGE
    except files.Refused as refusal:
        print(refusal, flush=True)
        result = SERVER_ERROR
    try:
        trailing = stream.close(keep_unsent=result != SERVER_ERROR)
    except OSError as problem:
        print(f"close: {problem}", file=sys.stderr)
        trailing = 0
    if trailing and result != TOO_LARGE:
        raise ValueError(f"{trailing} bytes after the answer")
    return result


def client(options: argparse.Namespace) -> int:
    endpoint: Optional[rdt.Endpoint] = None
    stream: Optional[files.Stream] = None
    try:
        if options.rdt:
            endpoint = rdt.Endpoint(settings_of(options))
            stream = endpoint.connect((socket.gethostbyname(options.host), options.port))
        else:
            connected = socket.create_connection((options.host, options.port), options.timeout)
            stream = files.TcpStream(connected, options.timeout)
            if options.command == "get" and options.path:
                return get_path(stream, options)
        return transfer(stream, options)
    except (OSError, EOFError, ValueError) as problem:
        print(f"failure: {problem}", file=sys.stderr, flush=True)
        if stream:
            stream.abandon()
        return NETWORK_FAILURE
    finally:
        if endpoint:
            endpoint.drain()
            report(endpoint)


def quirks_of(options: argparse.Namespace) -> commands.Quirks:
    return commands.Quirks(**{field.name: getattr(options, field.name) for field in fields(commands.Quirks)})


def tracker(options: argparse.Namespace) -> int:
    """Section 3, the server."""
    listener = socket.create_server(("127.0.0.1", options.port), backlog=options.backlog)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print(f"listening {listener.getsockname()[1]}", flush=True)
    quirks = quirks_of(options)
    commands.serve(listener, options.timeout, quirks, commands.Tracker(quirks, options.answer, options.log).attend)
    return NETWORK_FAILURE


def console(options: argparse.Namespace) -> int:
    """Section 3, the client: commands come on standard input."""
    commands.Console((options.host, options.port), options.timeout, quirks_of(options)).run(sys.stdin)
    return DONE


def parser() -> argparse.ArgumentParser:
    def whole(low: int, high: int) -> Callable[[str], int]:
        def check(text: str) -> int:
            if not low <= int(text) <= high:
                raise argparse.ArgumentTypeError(f"must be {low} to {high}")
            return int(text)
        return check

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--mode", choices=("sw", "sr"), default="sw", help="stop-and-wait or selective repeat")
    common.add_argument("--window", type=whole(1, rdt.LARGEST_WINDOW), default=rdt.LARGEST_WINDOW)
    common.add_argument("--body", type=whole(1, rdt.LARGEST_BODY), default=1024)
    common.add_argument("--tries", type=whole(1, 10**6), default=20)
    common.add_argument("--backlog", type=whole(1, 10**4), default=16)
    common.add_argument("--magic", default=b"ROSTOV".hex(), metavar="HEX")
    common.add_argument("--rto", type=float, help="seconds; default 0.2 (sw), 1.5 (sr)")
    common.add_argument("--linger", type=float, default=2.0, help="quiet seconds after the end")
    common.add_argument("--timeout", type=float, default=15.0)
    common.add_argument("--seed", type=int, default=0)
    for name in ("--loss", "--duplicate", "--reorder"):
        common.add_argument(name, type=float, default=0.0, metavar="P")
    for name in ("--ascii", "--uneven", "--strict", "--known"):
        common.add_argument(name, action="store_true")
    common.add_argument("--no-empty-first", dest="empty_first", action="store_false")

    top = argparse.ArgumentParser(description=__doc__)
    subs = top.add_subparsers(dest="command", required=True)
    quirks = argparse.ArgumentParser(add_help=False)
    quirks.add_argument("--timeout", type=float, default=15.0)
    for name in ("--pieces", "--no-last-nul", "--digits", "--dated"):
        quirks.add_argument(name, action="store_true")
    tracking = subs.add_parser("tracker", parents=[quirks])
    tracking.add_argument("--port", type=whole(0, 65535), default=0)
    tracking.add_argument("--backlog", type=whole(1, 10**4), default=128)
    tracking.add_argument("--answer", type=whole(0, 255), metavar="RESULT", help="answer this to every command")
    tracking.add_argument("--log", action="store_true", help="print each command")
    typing = subs.add_parser("console", parents=[quirks])
    typing.add_argument("host")
    typing.add_argument("port", type=whole(1, 65535))

    serving = subs.add_parser("serve", parents=[common])
    serving.add_argument("--dir", required=True)
    serving.add_argument("--clients", type=whole(1, 10**4), default=64, help="served at the same time")
    serving.add_argument("--refuse", type=whole(0, 255), metavar="CODE", help="answer this Error to every request")
    where = serving.add_mutually_exclusive_group(required=True)
    for name in ("--tcp", "--rdt", "--path"):
        where.add_argument(name, type=whole(0, 65535), metavar="PORT")
    for command in ("get", "put"):
        sub = subs.add_parser(command, parents=[common])
        how = sub.add_mutually_exclusive_group(required=True)
        for name in ("--tcp", "--rdt", "--path") if command == "get" else ("--tcp", "--rdt"):
            how.add_argument(name, action="store_true")
        sub.add_argument("host")
        sub.add_argument("port", type=whole(1, 65535))
        for name in ("name", "out") if command == "get" else ("file", "name"):
            sub.add_argument(name)
        sub.add_argument("--drip", action="store_true", help="send the request byte by byte")
        sub.add_argument("--half-close", action="store_true", help="finish right after the request")
        if command == "get":
            sub.add_argument("--limit", type=int, metavar="BYTES", help="leave early when it is longer")
            for name in ("--newline", "--nul"):
                sub.add_argument(name, action="store_true", help="end the path so, without a half-close")
    return top


if __name__ == "__main__":
    chosen = parser().parse_args()
    roles = {"serve": serve, "tracker": tracker, "console": console}
    sys.exit(roles.get(chosen.command, client)(chosen))
