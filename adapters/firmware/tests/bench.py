#!/usr/bin/env python3
"""How fast a board in QEMU fetches 1 MiB: over RDT, over TCP, and by smoltcp's TCP alone.

    adapters/firmware/tests/bench.py [ROUNDS]

It takes root. Both ends are what is released. The rounds go by turns, so that whatever else the machine does falls on
all of them. *Repeats* are segments that the host has sent more than once: what the controller's FIFO has lost.
"""

import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading

from board import Board, build
from host import HOST, Host, missing, own_network

LENGTH = 1 << 20
# Where DATA has the number of its segment (docs/protocol.md section 6).
SEGMENT = slice(13, 17)
ETH_P_ALL = 0x0003
TAP = "tap,ifname=tap0,script=no,downscript=no"


class Repeats:
    """Counts the segments of RDT in the clear that leave for the board more than once."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self._socket.bind(("tap0", 0))
        self._socket.settimeout(0.3)

    def count(self):
        """Segments so far, and repeats among them."""
        seen, repeats = set(), 0
        while True:
            try:
                frame = self._socket.recv(2048)
            except TimeoutError:
                return len(seen), repeats
            payload = frame[42:]
            if frame[12:14] == b"\x08\x00" and frame[23] == 17 and len(payload) > 500 and payload[:4] == b"SKEP":
                segment = payload[SEGMENT]
                repeats += segment in seen
                seen.add(segment)


def took(board):
    assert board.ends(60) == 0, board.text
    bytes_, micros = re.search(r"done (\d+) bytes in (\d+) us", board.text).groups()
    assert int(bytes_) == LENGTH
    return int(micros)


def fetch(scheme):
    with Board("client", TAP, get=f"{scheme}://{HOST}:7537/file") as board:
        return took(board)


def sink():
    listener = socket.create_server((HOST, 9000))

    def send():
        connection, _ = listener.accept()
        with connection:
            connection.sendall(bytes(LENGTH))

    threading.Thread(target=send, daemon=True).start()
    with Board("sink", TAP, **{"from": f"{HOST}:9000"}) as board:
        micros = took(board)
    listener.close()
    return micros


def main():
    if reason := missing():
        sys.exit(reason)
    own_network("--release")
    build()
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    subprocess.run(["ip", "tuntap", "add", "tap0", "mode", "tap"], check=True)
    subprocess.run(["ip", "address", "add", f"{HOST}/24", "dev", "tap0"], check=True)
    subprocess.run(["ip", "link", "set", "tap0", "up"], check=True)
    times = {"RDT": [], "TCP": [], "smoltcp's TCP, content thrown away": []}
    with tempfile.TemporaryDirectory() as directory:
        host = Host(directory, "release")
        host.file("file", LENGTH)
        total, repeated = 0, 0
        with host.serve()[0]:
            for _ in range(rounds):
                repeats = Repeats()
                times["RDT"].append(fetch("rdt"))
                segments, again = repeats.count()
                total, repeated = total + segments, repeated + again
                times["TCP"].append(fetch("tcp"))
                times["smoltcp's TCP, content thrown away"].append(sink())
    print(f"1 MiB into a board, {rounds} rounds: median, fastest, slowest in ms")
    for name, micros in times.items():
        shown = [statistics.median(micros), min(micros), max(micros)]
        print(f"  {name:36}" + "".join(f"{value / 1000:8.1f}" for value in shown))
    print(f"  RDT: {repeated} repeats among {total} segments")


main()
