#!/usr/bin/env python3
"""The images on boards in QEMU, with programs of this machine at the other end of the cable.

    adapters/firmware/tests/test.py [WORD]...      all cases, or those whose names have one of these words in them

It takes root, for a TAP device in a network namespace of its own; QEMU; and the target thumbv7m-none-eabi. Where one of
them is missing it says so in a line that begins with `skipped:`, and that is no failure.
"""

import mmap
import os
import random
import socket
import struct
import sys
import tempfile
import time

from board import FIRMWARE, Board, build, image
from cable import Cable
from host import BOARD, BOARD_ETHERNET, HOST, HOST_ETHERNET, Host, digest, missing, own_network
from log import lines

IDLE_SECONDS, IDLE_SHARE = 3, 0.05
# More than the flash of the board takes.
TOO_LONG = 2 << 20
# A tracker that is not there.
NOBODY = f"{'A' * 43}@{HOST}:7540"
ABOUT = digest(os.path.join(FIRMWARE, "files", "about.txt"))


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


def is_up():
    """Waits until the board answers: on a busy machine QEMU alone takes a second to start."""
    return any(answers_ping(1) for _ in range(20))


def checksum(data):
    """That of IP and ICMP."""
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
        assert is_up()
        assert answers_ping() == 5
        before = board.seconds_of_processor()
        time.sleep(IDLE_SECONDS)
        share = (board.seconds_of_processor() - before) / IDLE_SECONDS
        print(f"  idle: {share:.1%} of a core")
        assert share < IDLE_SHARE


def fetch_plain(cable, host, loss):
    length = 300_000
    host.file("file", length)
    with host.serve()[0]:
        cable.loss = loss
        for scheme in ["rdt", "tcp"]:
            with Board("client", cable.nic(), get=f"{scheme}://{HOST}:7537/file") as board:
                assert board.ends() == 0, board.text
                board.says(f"^done {length} bytes")


def a_file_is_fetched_in_the_clear(cable, host):
    fetch_plain(cable, host, 0)


def a_file_is_fetched_where_one_frame_in_twenty_is_lost_each_way(cable, host):
    fetch_plain(cable, host, 5)


def a_file_is_fetched_sealed_with_and_without_loss(cable, host):
    length = 300_000
    host.file("file", length)
    server, key = host.serve()
    with server:
        for cable.loss in [0, 5]:
            for via in ["udp", "tcp"]:
                with Board("sealed", cable.nic(), get=f"skep://{key}@{HOST}:7538/file", via=via) as board:
                    assert board.ends() == 0, board.text
                    board.says(f"^done {length} bytes")


def a_file_that_the_flash_has_no_room_for_is_refused(cable, host):
    host.file("file", TOO_LONG)
    with host.serve()[0]:
        for scheme in ["rdt", "tcp"]:
            with Board("client", cable.nic(), get=f"{scheme}://{HOST}:7537/file") as board:
                assert board.ends() == 1, board.text


def files_are_served_to_this_machine(cable, host):
    with Board("member", cable.nic(), tracker=NOBODY, public="yes") as board:
        key = board.says(r"^key (\S+)")[1]
        for via in ["udp", "tcp"]:
            assert host.get(f"skep://{key}@{BOARD}/about.txt", "--via", via) == ABOUT


def exchange(cable, host, loss):
    """A file each way between the board and another member, through the tracker's introduction."""
    wanted = host.file("wanted", 300_000)
    tracker, link = host.tracker()
    with tracker, host.join(link, "ann") as ann:
        ann.says("sharing 1 file of")
        cable.loss = loss
        for via in ["rdt", "tcp"]:
            settings = {"tracker": link, "name": f"board-{via}", "fetch": "ann/wanted", "via": via, "public": "yes"}
            with Board("member", cable.nic(), **settings) as board:
                key = board.says(r"^key (\S+)")[1]
                board.says(r"^fetched wanted, 300000 bytes as announced", patience=40)
                ann.says(f"board-{via} shares wanted")
                # What it has fetched, back again.
                assert host.get(f"skep://{key}@{BOARD}/wanted") == wanted
                ann.types(f"get board-{via}/about.txt -o about-{via}")
                board.says("^served", patience=40, times=2)
        ann.types("quit")
        assert ann.ends() == 0, ann.text
    for via in ["rdt", "tcp"]:
        assert digest(os.path.join(host.downloads("ann"), f"about-{via}")) == ABOUT


def a_member_on_a_board_exchanges_files_with_another(cable, host):
    exchange(cable, host, 0)


def a_member_on_a_board_exchanges_files_where_frames_are_lost(cable, host):
    exchange(cable, host, 5)


def an_owner_is_killed_in_mid_transfer_and_comes_back(cable, host):
    wanted = host.file("wanted", 1_000_000)
    tracker, link = host.tracker()
    with tracker:
        with host.join(link, "ann") as ann:
            ann.says("sharing 1 file of")
            cable.pause = 0.002
            board = Board("member", cable.nic(), tracker=link, fetch="ann/wanted", public="yes")
            ann.says("board fetches wanted")
        with board:
            cable.pause = 0
            board.says("^not fetched", patience=60)
            with host.join(link, "ann"):
                board.says(r"^fetched wanted, 1000000 bytes as announced", patience=90)
                key = board.says(r"^key (\S+)")[1]
                assert host.get(f"skep://{key}@{BOARD}/wanted") == wanted


def what_an_owner_has_not_announced_is_not_kept(cable, host):
    wanted = host.file("wanted", 100_000)
    tracker, link = host.tracker()
    with tracker, host.join(link, "ann") as ann:
        ann.says("sharing 1 file of")
        # Nobody is told of what is written through a mapping, as long as that stays: another content is sent under the
        # hash of the first.
        with open(os.path.join(host.shared, "wanted"), "r+b") as file, mmap.mmap(file.fileno(), 0) as content:
            content[50_000] ^= 1
            board = Board("member", cable.nic(), tracker=link, fetch="ann/wanted", public="yes")
            key = board.says(r"^key (\S+)")[1]
            board.says("^not fetched: it is not what was announced", patience=40, times=2)
            with host.start("get", "-q", f"skep://{key}@{BOARD}/wanted", "-o", os.path.join(host.directory, "kept")) as get:
                assert get.ends() != 0 and "there is no such file" in get.text, get.text
            assert "board shares wanted" not in ann.text
            content[50_000] ^= 1
        with board:
            board.says("^fetched wanted, 100000 bytes as announced", patience=40)
            assert host.get(f"skep://{key}@{BOARD}/wanted") == wanted
            ann.says("board shares wanted")


def a_board_comes_back_to_a_tracker_that_was_killed(cable, host):
    tracker, link = host.tracker()
    with tracker:
        board = Board("member", cable.nic(), tracker=link, public="yes")
        board.says("^online")
    with board:
        board.says("^offline")
        tracker, again = host.tracker()
        with tracker:
            assert again == link
            board.says("^online", patience=60, times=2)


def eight_seats_are_on_a_board_and_members_meet_there(cable, host):
    wanted = host.file("wanted", 300_000)
    with Board("tracker", cable.nic()) as board:
        link = f"{board.says(r'^key (.+)$')[1].strip()}@{BOARD}:7540"
        with host.join(link, "ann") as ann:
            ann.says("sharing 1 file of")
            with host.join(link, "ben") as ben:
                board.says("^seats taken: 2")
                ben.says("1 other is here, with 1 file")
                ben.types("get ann/wanted")
                ann.says("ben has fetched wanted")
                ben.types("quit")
                assert ben.ends() == 0, ben.text
            # The same through the board.
            assert host.get(f"skep://{link}/ann/wanted", "-u", "cat", "--relay") == wanted
        assert digest(os.path.join(host.downloads("ben"), "wanted")) == wanted
        board.says("^seats taken: 1")


def garbage_changes_nothing(cable, host):
    with Board("member", cable.nic(), tracker=NOBODY, public="yes") as board:
        key = board.says(r"^key (\S+)")[1]
        assert is_up()
        for frame in garbage(8_000):
            cable.inject(frame)
        # What is still in the queues takes the place of pings.
        assert is_up()
        assert answers_ping() == 5
        assert host.get(f"skep://{key}@{BOARD}/about.txt") == ABOUT


def a_client_fits_a_board_with_64_kib_of_memory(cable, host):
    build("--features", "lm3s6965evb", "--bin", "sealed")
    host.file("file", 5_000)
    server, key = host.serve()
    with server:
        for via in ["udp", "tcp"]:
            link = f"skep://{key}@{HOST}:7538/file"
            with Board("sealed", cable.nic(), machine="lm3s6965evb", get=link, via=via) as board:
                assert board.ends() == 0, board.text
                board.says("^done 5000 bytes")


def log_lines_come_over_the_uart(cable, host):
    build("--features", "defmt", "--bin", "member")
    log = os.path.join(host.directory, "log")
    tracker, link = host.tracker()
    with tracker, Board("member", cable.nic(), serial=f"file:{log}", tracker=link) as board:
        board.says("^online")
    assert ("info", "tracker: a session has begun") in [line[:2] for line in lines(image("member"), log)]


CASES = [
    an_idle_board_answers_pings_and_leaves_the_processor_alone,
    a_file_is_fetched_in_the_clear,
    a_file_is_fetched_where_one_frame_in_twenty_is_lost_each_way,
    a_file_is_fetched_sealed_with_and_without_loss,
    a_file_that_the_flash_has_no_room_for_is_refused,
    files_are_served_to_this_machine,
    a_member_on_a_board_exchanges_files_with_another,
    a_member_on_a_board_exchanges_files_where_frames_are_lost,
    an_owner_is_killed_in_mid_transfer_and_comes_back,
    what_an_owner_has_not_announced_is_not_kept,
    a_board_comes_back_to_a_tracker_that_was_killed,
    eight_seats_are_on_a_board_and_members_meet_there,
    garbage_changes_nothing,
    a_client_fits_a_board_with_64_kib_of_memory,
    log_lines_come_over_the_uart,
]


def main():
    if reason := missing():
        print(f"skipped: the tests of the firmware: {reason}")
        return
    own_network()
    build()
    cable = Cable(HOST, HOST_ETHERNET)
    began = time.monotonic()
    for case in CASES:
        name = case.__name__.replace("_", " ")
        if len(sys.argv) > 1 and not any(word in name for word in sys.argv[1:]):
            continue
        at = time.monotonic()
        cable.loss = cable.pause = 0
        with tempfile.TemporaryDirectory() as directory:
            case(cable, Host(directory))
        print(f"ok {time.monotonic() - at:5.1f} s  {name}", flush=True)
    print(f"all in {time.monotonic() - began:.0f} s")


main()
