#!/usr/bin/env python3
"""The images on boards in QEMU, with programs of this machine at the other end of the cable.

    adapters/firmware/tests/test.py [NAME]...      all cases, or those whose names contain one of these

It takes root, for a TAP device in a network namespace of its own; QEMU; and the target thumbv7m-none-eabi. Where one of
them is missing it says so in a line that begins with `skipped:`, and that is no failure.
"""

import hashlib
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

from board import Board, build
from cable import Cable

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
HOST, BOARD = "10.9.0.1", "10.9.0.2"
HOST_ETHERNET, BOARD_ETHERNET = "02000a090001", "02000a090002"
SKEP = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "debug", "skep")
IDLE_SECONDS, IDLE_SHARE = 3, 0.05


class Host:
    """Programs of this machine, in a directory that is removed in the end."""

    def __init__(self, directory):
        self.directory = directory
        self.environment = {**os.environ, "HOME": directory, "XDG_CONFIG_HOME": directory}
        self.shared = os.path.join(directory, "shared")
        os.mkdir(self.shared)

    def file(self, name, length):
        """Makes a file of random content in the shared directory; its hash."""
        content = random.Random(name).randbytes(length)
        with open(os.path.join(self.shared, name), "wb") as file:
            file.write(content)
        return hashlib.sha256(content).hexdigest()

    def start(self, *arguments):
        """Starts skep and waits until it listens."""
        process = subprocess.Popen([SKEP, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        process.stdout.readline()
        return process

    def serve(self):
        """A server of the shared directory, in the clear."""
        return self.start("serve", self.shared, "--tcp", f"{HOST}:7537", "--rdt", f"{HOST}:7537")

    def get(self, link, *options):
        """Fetches a file; the hash of what came."""
        output = os.path.join(self.directory, "got")
        command = [SKEP, "get", "-q", link, "-o", output, *options]
        subprocess.run(command, env=self.environment, check=True, timeout=60)
        with open(output, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()


def stop(process):
    process.kill()
    process.wait()


def answers_ping(count=5):
    """How many of so many echo requests the board answers."""
    icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    icmp.settimeout(1)
    answered = 0
    for number in range(count):
        request = struct.pack("!BBHHH", 8, 0, 0, 7, number) + bytes(56)
        icmp.sendto(request[:2] + struct.pack("!H", checksum(request)) + request[4:], (BOARD, 0))
        try:
            while True:
                answer = icmp.recv(2048)[20:]
                if answer[0] == 0 and answer[4:8] == struct.pack("!HH", 7, number):
                    answered += 1
                    break
        except TimeoutError:
            pass
    return answered


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def garbage(count):
    """Frames for the board of which none is what it seems."""
    dice = random.Random(2)
    # From this machine as it seems: whoever forges another's Ethernet address also becomes his neighbour for a minute.
    ethernet = bytes.fromhex(BOARD_ETHERNET + HOST_ETHERNET)
    addresses = socket.inet_aton(HOST) + socket.inet_aton(BOARD)
    for number in range(count):
        noise = dice.randbytes(dice.randrange(1, 1400))
        magic = dice.choice([b"SKEP", b"SKES\x01", b"SKES\x03", b"\x40\x00", b"ROSTOV\x00", b"ROSTOV\x02"])
        udp = struct.pack("!HHHH", 7537, 7537, 8 + len(magic + noise), 0) + magic + noise
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), number & 0xFFFF, 0, 64, 17, 0) + addresses
        packet = header[:10] + struct.pack("!H", checksum(header)) + header[12:] + udp
        yield [
            noise,
            ethernet + dice.choice([b"\x08\x00", b"\x08\x06", b"\x86\xdd"]) + noise,
            ethernet + b"\x08\x00" + packet[:dice.randrange(0, 60)],
            ethernet + b"\x08\x00" + packet,
        ][number % 4]


# The cases. Each is given the cable and the host.


def an_idle_board_answers_pings_and_leaves_the_processor_alone(cable, host):
    with Board("echo", cable.nic()) as board:
        time.sleep(0.5)
        assert answers_ping() == 5
        before = board.seconds_of_processor()
        time.sleep(IDLE_SECONDS)
        share = (board.seconds_of_processor() - before) / IDLE_SECONDS
        print(f"  idle: {share:.1%} of a core")
        assert share < IDLE_SHARE


def fetch(cable, host, scheme, loss=0, length=300_000):
    host.file("file", length)
    server = host.serve()
    cable.loss = loss
    try:
        with Board("client", cable.nic(), get=f"{scheme}://{HOST}:7537/file") as board:
            assert board.ends() == 0, board.text()
            assert f"done {length} bytes" in board.text(), board.text()
    finally:
        cable.loss = 0
        stop(server)


def a_file_is_fetched_over_rdt(cable, host):
    fetch(cable, host, "rdt")


def a_file_is_fetched_over_tcp(cable, host):
    fetch(cable, host, "tcp")


def a_file_is_fetched_over_rdt_where_one_frame_in_twenty_is_lost_each_way(cable, host):
    fetch(cable, host, "rdt", loss=5)


def a_file_is_fetched_over_tcp_where_one_frame_in_twenty_is_lost_each_way(cable, host):
    fetch(cable, host, "tcp", loss=5)


def a_file_is_served_to_this_machine_over_both_transports(cable, host):
    with open(os.path.join(ROOT, "adapters/firmware/files/about.txt"), "rb") as file:
        expected = hashlib.sha256(file.read()).hexdigest()
    nobody = f"{'A' * 43}@{HOST}:7540"
    with Board("member", cable.nic(), tracker=nobody, public="yes") as board:
        key = board.says(r"^key (\S+)")[1]
        for via in ["udp", "tcp"]:
            assert host.get(f"skep://{key}@{BOARD}/about.txt", "--via", via) == expected


def garbage_changes_nothing(cable, host):
    nobody = f"{'A' * 43}@{HOST}:7540"
    with Board("member", cable.nic(), tracker=nobody, public="yes") as board:
        key = board.says(r"^key (\S+)")[1]
        answers_ping(1)
        for frame in garbage(8_000):
            cable.inject(frame)
        # What is still in the queues takes the place of pings.
        assert any(answers_ping(1) for _ in range(10))
        assert answers_ping() == 5
        host.get(f"skep://{key}@{BOARD}/about.txt")


CASES = [
    an_idle_board_answers_pings_and_leaves_the_processor_alone,
    a_file_is_fetched_over_rdt,
    a_file_is_fetched_over_tcp,
    a_file_is_fetched_over_rdt_where_one_frame_in_twenty_is_lost_each_way,
    a_file_is_fetched_over_tcp_where_one_frame_in_twenty_is_lost_each_way,
    a_file_is_served_to_this_machine_over_both_transports,
    garbage_changes_nothing,
]


def missing():
    """What there is not, and is needed."""
    if os.geteuid() != 0:
        return "no root, which a TAP device takes"
    if not os.path.exists("/dev/net/tun"):
        return "no /dev/net/tun"
    if not shutil.which("qemu-system-arm"):
        return "no qemu-system-arm"
    sysroot = subprocess.run(["rustc", "--print", "target-libdir", "--target", "thumbv7m-none-eabi"],
                             capture_output=True, text=True, check=True).stdout.strip()
    if not os.path.isdir(sysroot):
        return "no standard library for thumbv7m-none-eabi"
    return None


def main():
    if reason := missing():
        print(f"skipped: the tests of the firmware: {reason}")
        return
    if os.environ.get("SKEP_NAMESPACE") is None:
        # A network of its own, which goes with this process.
        os.execvpe("unshare", ["unshare", "--net", sys.executable, *sys.argv], {**os.environ, "SKEP_NAMESPACE": "1"})
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    build()
    subprocess.run(["cargo", "build", "--quiet", "--locked", "-p", "skep"], cwd=ROOT, check=True)
    cable = Cable(HOST, HOST_ETHERNET)
    began = time.monotonic()
    for case in CASES:
        name = case.__name__.replace("_", " ")
        if len(sys.argv) > 1 and not any(wanted in name for wanted in sys.argv[1:]):
            continue
        at = time.monotonic()
        with tempfile.TemporaryDirectory() as directory:
            case(cable, Host(directory))
        print(f"ok {time.monotonic() - at:5.1f} s  {name}", flush=True)
    print(f"all in {time.monotonic() - began:.0f} s")


main()
