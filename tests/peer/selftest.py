"""The peer against itself, and against bytes written out by hand from docs/protocol.md. Loopback only."""
from __future__ import annotations

import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PEER = [sys.executable, str(Path(__file__).with_name("peer.py"))]
NO_SUCH_FILE = b"Error: El archivo no existe"


class Server:
    """`peer.py serve` in a directory of its own; the end of the block wants exit code 0."""

    def __init__(self, *options: str, expected: int = 0) -> None:
        self.options, self.expected = options, expected

    def __enter__(self) -> Server:
        self.folder = tempfile.TemporaryDirectory()
        self.dir = Path(self.folder.name)
        command = [*PEER, "serve", "--dir", self.folder.name, *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.port = int(self.process.stdout.readline().removeprefix("listening "))
        return self

    def __exit__(self, problem: object, *_: object) -> None:
        self.process.terminate()
        self.errors = self.process.communicate(timeout=10)[1]
        leftovers = list(self.dir.glob(".upload-*"))
        self.folder.cleanup()
        if problem:
            return  # it says more than what is left behind
        same("exit code", self.process.returncode, self.expected)
        same("leftovers", leftovers, [])

    def run(self, command: str, how: str, first: object, second: object, *options: str) -> tuple[int, str]:
        line = [*PEER, command, how, "127.0.0.1", str(self.port), str(first), str(second), *options]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout.strip()


def same(what: str, got: object, wanted: object) -> None:
    assert got == wanted, f"{what}: {got!r} where {wanted!r} was due"


def round_trip(how: str, size: int, server_options: str = "", client_options: str = "") -> None:
    """Put, get it back, an empty file, a missing one and a bad name."""
    options = client_options.split()
    content = random.Random(size).randbytes(size)
    with Server(how, "0", *server_options.split()) as server:
        source, copy = server.dir / "source", server.dir / "copy"
        source.write_bytes(content)
        same("put", server.run("put", how, source, "deep/stored", *options), (0, ""))
        same("stored", (server.dir / "deep/stored").read_bytes(), content)
        same("get", server.run("get", how, "deep/stored", copy, *options), (0, ""))
        same("copy", copy.read_bytes(), content)
        source.write_bytes(b"")
        same("put empty", server.run("put", how, source, "empty", "--half-close", *options), (0, ""))
        same("get empty", server.run("get", how, "empty", copy, "--half-close", *options), (0, ""))
        same("empty copy", copy.read_bytes(), b"")
        same("missing", server.run("get", how, "missing", copy, *options), (1, "error 1"))
        same("bad name", server.run("put", how, source, "../up", *options), (1, "error 5"))


def refused_upload(how: str) -> None:
    """The Error comes long before the end of the upload, and a code without a name is a number."""
    with Server(how, "0", "--refuse", "77") as server:
        source = server.dir / "source"
        source.write_bytes(bytes(20_000_000))
        same("refused", server.run("put", how, source, "x", "--linger", "0"), (1, "error 77"))


def early_leave(how: str) -> None:
    with Server(how, "0") as server:
        (server.dir / "large").write_bytes(bytes(3_000_000))
        result = server.run("get", how, "large", server.dir / "copy", "--limit", "1000", "--linger", "0")
        same("early leave", result, (4, "too large"))


def golden_files() -> None:
    """Section 1, byte by byte."""
    def ask(request: str) -> str:
        with socket.create_connection(("127.0.0.1", server.port)) as stream:
            stream.sendall(bytes.fromhex(request))
            stream.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: stream.recv(4096), b"")).hex()
    with Server("--tcp", "0") as server:
        same("upload", ask("00 0300000000000000 0100 61 616263"), "03")
        same("download", ask("01 0100 61"), "02" "0300000000000000" "616263")
        same("not found", ask("01 0100 62"), "0401")
        same("unknown", ask("09"), "0400")
        same("cut short", ask("00 0300000000000000 0100 62 6162"), "0400")
        same("still not found", ask("01 0100 62"), "0401")
        same("bad name", ask("01 0200 2e2e"), "0405")


def golden_rdt() -> None:
    """Section 2, byte by byte, in both kinds; a wrong magic and a malformed packet get no answer."""
    request, answer = bytes.fromhex("01010061"), bytes.fromhex("02" "0300000000000000" "616263")
    with Server("--rdt", "0", "--rto", "0.6") as server:
        (server.dir / "a").write_bytes(b"abc")
        for kind in (b"\0\1\2\3\4\5", b"012345"):
            connect, connack, info, ack, fin, finack = (b"ROSTOV" + kind[i:i + 1] for i in range(6))
            steps = [
                (b"ROSTOW" + kind[:1], None), (connect + b"x", None), (fin, None),
                (connect, connack), (connect, connack),
                (info + b"\0\0\0\0\0\0", ack + bytes(4)), (info + b"\0\0\0\0\0\0", ack + bytes(4)),
                (info + b"\0\4\0\0\0\2" + request, None), (info + b"\0\4\0\0\0\1" + request[:3], None),
                (info + b"\0\4\0\0\0\1" + request, ack + b"\0\0\0\1"), (b"", info + b"\0\x09\0\0\0\0" + answer[:9]),
                (ack + b"\0\0\0\5", None), (ack + bytes(4), info + b"\0\3\0\0\0\1" + answer[9:]),
                (ack + b"\0\0\0\1", fin), (fin, finack), (fin, finack), (b"", fin), (finack, None)]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.connect(("127.0.0.1", server.port))
                for number, (sent, wanted) in enumerate(steps):
                    if sent:
                        client.send(sent)
                    client.settimeout(3 if wanted else 0.05)
                    try:
                        got = client.recv(2048)
                        while wanted and got != wanted and got[6:7] in (info[6:], fin[6:]):
                            got = client.recv(2048)  # a resend crossed with our packet
                    except TimeoutError:
                        got = None
                    same(f"step {number}", got, wanted)
    same("counted", re.findall(r"other-magic=2 ignored=4 stray=2", server.errors) != [], True)


def strict() -> None:
    """An option after a CONNECT ends a strict server, with a message."""
    with Server("--rdt", "0", "--strict", expected=70) as server:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"ROSTOV\0option", ("127.0.0.1", server.port))
        server.process.wait(5)
    same("message", "strict: wrong length for type 0" in server.errors, True)


def paths() -> None:
    """Section 4, every known and proper pair, and the error text."""
    for serving in ([], ["--known"]):
        with Server("--path", "0", *serving) as server:
            (server.dir / "a").write_bytes(b"content")
            copy = server.dir / "copy"
            endings = [["--known"], ["--newline", "--drip"], ["--nul"], []] if not serving else [["--known"]]
            for ending in endings:
                copy.unlink(missing_ok=True)
                same(f"path {ending}", server.run("get", "--path", "/a", copy, *ending), (0, ""))
                same("content", copy.read_bytes(), b"content")
            for missing in ("b", "/", "../a"):
                result = server.run("get", "--path", missing, copy, *endings[0])
                same(f"path {missing}", result, (1, NO_SUCH_FILE.decode()))


GOLDEN_COMMANDS = [  # section 3, byte by byte, in their order: request, answer
    ("LIST_USERS ana", "01"), ("REGISTER ana", "00"), ("register ana", "01"), ("REGISTER eva", "00"),
    ("LIST_USERS ana", "02"), ("CONNECT bea 4000", "01"), ("CONNECT ana 4000", "00"), ("CONNECT ana 4000", "02"),
    ("CONNECT eva 0", "03"), ("CONNECT eva 65536", "03"), ("PUBLISH eva y.txt text", "02"),
    ("PUBLISH ana y.txt text", "00"), ("PUBLISH ana y.txt text", "03"), ("PUBLISH ana \x1b text", "04"),
    ("LIST_USERS ana", "00 31 00 616e61 00 3132372e302e302e31 00 34303030 00"),
    ("LIST_CONTENT ana ana", "00 31 00 792e747874 00"), ("LIST_CONTENT ana eva", "00 30 00"),
    ("LIST_CONTENT ana bea", "03"), ("DELETE ana z", "03"), ("DELETE ana y.txt", "00"), ("DISCONNECT ana", "00"),
    ("DISCONNECT ana", "02"), ("UNREGISTER ana", "00"), ("UNREGISTER ana", "01"), ("REGISTER \x7f", "02"),
    ("FLY ana", ""), ("REGISTER", ""), ("GET_FILE x", "")]


def golden_commands() -> None:
    """Each request ends with the direction, so that one that is cut short is let go at once."""
    with Tracking() as server:
        for line, wanted in GOLDEN_COMMANDS:
            request = line.encode().replace(b" ", b"\0") + b"\0"
            same(line, server.ask(request).hex(), wanted.replace(" ", ""))
        same("longest", server.ask(b"REGISTER\0" + b"x" * 255 + b"\0"), b"\0")
        same("too long", server.ask(b"REGISTER\0" + b"x" * 256 + b"\0"), b"\2")
        same("no last NUL", server.ask(b"REGISTER\0dan"), b"")
        same("nothing happened", server.ask(b"REGISTER\0dan\0"), b"\0")
    with Tracking("--digits", "--no-last-nul", "--dated") as server:
        same("dated", server.ask(b"REGISTER\x0031/12/2024 23:59:58\0ana\0"), b"0")
        same("without its date", server.ask(b"REGISTER\0ana\0"), b"")


class Tracking(Server):
    """`peer.py tracker`."""

    def __enter__(self) -> Tracking:
        self.folder = tempfile.TemporaryDirectory()
        self.dir = Path(self.folder.name)
        command = [*PEER, "tracker", *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.port = int(self.process.stdout.readline().removeprefix("listening "))
        return self

    def ask(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port)) as stream:
            stream.sendall(request)
            stream.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: stream.recv(4096), b""))

    def console(self, typed: str, *quirks: str) -> str:
        line = [*PEER, "console", *quirks, "127.0.0.1", str(self.port)]
        done = subprocess.run(line, input=typed, capture_output=True, text=True, timeout=60, cwd=self.dir)
        same("exit code", (done.returncode, done.stderr), (0, ""))
        return done.stdout


def consoles(quirks: str) -> None:
    """The console against the tracker, with the same quirks, and a transfer to itself."""
    options = quirks.split()
    with Tracking(*options) as server:
        (server.dir / "a").write_bytes(bytes(1_000_000))
        typed = ("connect ana\nregister ana\nRegister ana\nCONNECT ana\nPUBLISH a one file\nLIST_CONTENT ana\n"
                 "GET_FILE ana a b\nGET_FILE ana c d\nDELETE a\nLIST_USERS now\nfly\nquit\n")
        same("printed", server.console(typed, *options), "c> " + "\nc> ".join((
            "CONNECT FAIL, USER DOES NOT EXIST", "REGISTER OK", "USERNAME IN USE", "CONNECT OK", "PUBLISH OK",
            "LIST_CONTENT OK\na", "GET_FILE OK", "GET_FILE FAIL, FILE NOT EXIST", "DELETE OK",
            "Syntax error. Usage: LIST_USERS", "Error: command fly not valid.", "+++ FINISHED +++\n")))
        same("copy", (server.dir / "b").read_bytes(), bytes(1_000_000))
        same("left", sorted(path.name for path in server.dir.iterdir()), ["a", "b"])


def unreachable() -> None:
    """Nobody answers: exit code 3, after the tries."""
    with Server("--tcp", "0") as server:
        same("silence", server.run("get", "--rdt", "a", "b", "--rto", "0.05", "--tries", "5"), (3, ""))


LOSSY = "--loss 0.1 --duplicate 0.05 --reorder 0.1 --linger 1"
TESTS = {
    "golden files": lambda: golden_files(),
    "golden rdt": lambda: golden_rdt(),
    "strict": lambda: strict(),
    "paths": lambda: paths(),
    "golden commands": lambda: golden_commands(),
    "consoles": lambda: consoles(""),
    "consoles with quirks": lambda: consoles("--pieces --digits --dated"),
    "unreachable": lambda: unreachable(),
    "refused over tcp": lambda: refused_upload("--tcp"),
    "refused over rdt": lambda: refused_upload("--rdt"),
    "early leave over tcp": lambda: early_leave("--tcp"),
    "early leave over rdt": lambda: early_leave("--rdt"),
    "tcp": lambda: round_trip("--tcp", 5_000_000),
    "tcp drip": lambda: round_trip("--tcp", 100, client_options="--drip"),
    "sw": lambda: round_trip("--rdt", 300_000, "--strict", "--strict --linger 0.1"),
    "sw wraps": lambda: round_trip("--rdt", 140_000, "--body 2 --strict", "--body 2 --strict --linger 0.1"),
    "sw lossy": lambda: round_trip("--rdt", 60_000, f"--rto 0.05 {LOSSY}", f"--rto 0.05 --ascii --seed 1 {LOSSY}"),
    "sr": lambda: round_trip(
        "--rdt", 2_000_000, "--mode sr --strict", "--mode sr --window 60 --no-empty-first --linger 0.1 --strict"),
    "sr full window": lambda: round_trip("--rdt", 1_000_000, "--mode sr --rto 0.3", "--mode sr --ascii --linger 0.1"),
    "sr lossy": lambda: round_trip(
        "--rdt", 300_000, f"--mode sr --rto 0.3 {LOSSY}", f"--mode sr --rto 0.3 --uneven --seed 1 {LOSSY}"),
    "sr lossy slow": lambda: round_trip(
        "--rdt", 100_000, "--mode sr --magic 4142", f"--mode sr --magic 4142 --ascii --seed 2 {LOSSY}"),
}


def main() -> int:
    failed = False
    with ThreadPoolExecutor(len(TESTS)) as pool:
        started = time.monotonic()
        for name, future in [(name, pool.submit(test)) for name, test in TESTS.items()]:
            problem = future.exception()
            failed |= problem is not None
            print(f"{'FAIL' if problem else 'ok':4} {name} {repr(problem) if problem else ''}".rstrip(), flush=True)
    print(f"{'FAILED' if failed else 'passed'} in {time.monotonic() - started:.1f} s")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
