"""An Ethernet cable between this network namespace and a board in QEMU, on which frames may be lost.

QEMU's end are datagrams, one a frame; this machine's end is the TAP device `tap0`.
"""

import fcntl
import os
import random
import select
import socket
import struct
import subprocess
import textwrap
import threading
import time

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
FRAME = 2048


class Cable:
    """Lets frames through, each way, except for `loss` in a hundred; those to the board after `pause` seconds."""

    def __init__(self, address, ethernet):
        self.loss = 0
        self.pause = 0
        self.lost = 0
        self._random = random.Random(1)
        self._tap = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self._tap, TUNSETIFF, struct.pack("16sH", b"tap0", IFF_TAP | IFF_NO_PI))
        subprocess.run(["ip", "address", "add", f"{address}/24", "dev", "tap0"], check=True)
        subprocess.run(["ip", "link", "set", "tap0", "address", ":".join(textwrap.wrap(ethernet, 2)), "up"], check=True)
        self._board = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._board.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self._there = free.getsockname()
        threading.Thread(target=self._run, daemon=True).start()

    def nic(self):
        """What QEMU is to be told."""
        here = self._board.getsockname()[1]
        return f"socket,udp=127.0.0.1:{here},localaddr=127.0.0.1:{self._there[1]}"

    def inject(self, frame):
        """Sends a frame to the board that nobody has sent."""
        self._board.sendto(frame, self._there)

    def _run(self):
        while True:
            ready, _, _ = select.select([self._tap, self._board], [], [])
            if self._tap in ready:
                frame = os.read(self._tap, FRAME)
                if self._passes():
                    time.sleep(self.pause)
                    self._board.sendto(frame, self._there)
            if self._board in ready:
                frame = self._board.recv(FRAME)
                if self._passes():
                    os.write(self._tap, frame)

    def _passes(self):
        passes = self._random.random() * 100 >= self.loss
        self.lost += not passes
        return passes
