#!/usr/bin/env python3
"""What images and the core take of a device: docs/size.md.

    adapters/firmware/tests/size.py            measures, and compares with the page: fails where more than a fiftieth
                                               (of stacks an eighth) was added
    adapters/firmware/tests/size.py --write    measures, and writes the page

It takes root, as the stacks are measured while the images transfer files, and the target thumbv7m-none-eabi.
"""

import os
import re
import subprocess
import sys
import tempfile

from board import Board, build, image
from cable import Cable
from host import BOARD, HOST, HOST_ETHERNET, ROOT, Host, missing, own_network

PAGE = os.path.join(ROOT, "docs", "size.md")
FLASH = {".vector_table", ".text", ".rodata", ".data"}
RAM = {".data", ".bss"}
# The part of a figure that it may grow by before somebody has to look.
TOLERANCE = {"flash": 1 / 50, "static": 1 / 50, "stack": 1 / 8}
LENGTH = 200_000

INTRODUCTION = """\
# Sizes

What skep takes of a Cortex-M3, in bytes: opt-level s, fat LTO, measured on QEMU's mps2-an385. Made by
`adapters/firmware/tests/size.py --write`; CI compares.

## Whole images

Each holds vectors, the driver of the Ethernet controller, smoltcp with its buffers, a clock, settings on a command line,
a few lines of text, and, but for the tracker, a store in a NOR flash.

- *static*: all variables, with two Ethernet frames of 3,032 bytes and all buffers of sockets. Without the flash that the
  images make of RAM.
- *stack*: the deepest that it was while files went over each transport, with and without loss, found by painting it.

| image | features | flash | static | stack | RAM altogether |
|---|---|---|---|---|---|
"""


def sections(path):
    """The sizes of an image's sections, by name (ELF, 32 bits, little-endian)."""
    with open(path, "rb") as file:
        elf = file.read()

    def number(at, size):
        return int.from_bytes(elf[at:at + size], "little")

    table, entry, count, names = number(0x20, 4), number(0x2E, 2), number(0x30, 2), number(0x32, 2)
    headers = [table + index * entry for index in range(count)]
    texts = number(headers[names] + 0x10, 4)
    result = {}
    for header in headers:
        start = texts + number(header, 4)
        name = elf[start:elf.index(b"\0", start)].decode()
        result[name] = number(header + 0x14, 4)
    return result


def deepest(board):
    """The deepest stack that a board has told of."""
    return max(int(depth) for depth in re.findall(r"stack (\d+)", board.text))


def stack_of_client(cable, name, links):
    """The deepest stack of a client that fetches from these links, with and without loss."""
    depths = []
    for settings in links:
        for cable.loss in [0, 5]:
            with Board(name, cable.nic(), **settings) as board:
                assert board.ends(60) == 0, board.text
                depths.append(deepest(board))
    cable.loss = 0
    return max(depths)


def build_with(name, features):
    """Builds an image with these features and no others."""
    build("--no-default-features", "--features", features, "--bin", name)


def measure_clients(cable, host):
    """The rows of the clients."""
    server, key = host.serve()
    plain = [{"get": f"{scheme}://{HOST}:7537/file"} for scheme in ["rdt", "tcp"]]
    link = f"skep://{key}@{HOST}:7538/file"
    sealed = [{"get": link, "via": via} for via in ["rdt", "tcp"]]
    rows = []
    with server:
        for name, features, links in [
            ("client", "", plain[:1]),
            ("client", "tcp", plain),
            ("sealed", "seal", sealed[:1]),
            ("sealed", "seal,tcp", sealed),
        ]:
            build_with(name, features)
            rows.append((name, features, *flash_and_static(name), stack_of_client(cable, name, links)))
    return rows


def flash_and_static(name):
    sizes = sections(image(name))
    return (sum(size for section, size in sizes.items() if section in FLASH),
            sum(size for section, size in sizes.items() if section in RAM))


def measure_others(cable, host):
    """The rows of the images that go on for ever."""
    features = "seal,tcp"
    build_with("member", features)
    build_with("tracker", features)
    rows = []
    tracker, link = host.tracker()
    with tracker, Board("member", cable.nic(), tracker=link, public="yes") as board:
        key = board.says(r"^key (\S+)")[1]
        board.says("^online")
        for times, via in enumerate(["udp", "tcp"], start=1):
            host.get(f"skep://{key}@{BOARD}/about.txt", "--via", via)
            board.says("^served", times=times)
        rows.append(("member", features, *flash_and_static("member"), deepest(board)))
    with Board("tracker", cable.nic()) as board:
        key = board.says(r"^key (\S+)")[1]
        with host.join(f"{key}@{BOARD}:7540", "ann") as ann:
            board.says("^seats taken: 1")
            ann.types("quit")
            board.says("^seats taken: 0")
        rows.append(("tracker", features, *flash_and_static("tracker"), deepest(board)))
    return rows


def core():
    """The part of the page that the panic check makes."""
    command = [os.path.join(ROOT, "core/panic-check/run"), "thumbv7m-none-eabi"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    page = "\n## The core alone\n\nWithout smoltcp, storage and buffers, by `core/panic-check/run thumbv7m-none-eabi`: "
    page += "every image of it links, so\nno panic is reachable at this level of optimisation.\n"
    page += "\n| flash | what |\n|---|---|\n"
    for size, what in re.findall(r"^ +(\d+)  (\S.*)$", text.split("# State")[0], re.MULTILINE):
        page += f"| {int(size):,} | {what} |\n"
    page += "\n| RAM | of what |\n|---|---|\n"
    for size, what in re.findall(r"^ +(\d+)  (\S.*)$", text.split("# State")[1], re.MULTILINE):
        page += f"| {int(size):,} | {what.replace('_', ' ')} |\n"
    return page


def row(name, features, flash, static, stack):
    shown = " and ".join(f"`{feature}`" for feature in features.split(",") if feature) or "-"
    return f"| `{name}` | {shown} | {flash:,} | {static:,} | {stack:,} | {static + stack:,} |\n"


def figures(page):
    """The numbers of a page: by what stands beside them."""
    found = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and cells[2].replace(",", "").isdigit():
            for kind, cell in zip(["flash", "static", "stack"], cells[2:5]):
                found[(kind, f"{cells[0]} {cells[1]}")] = int(cell.replace(",", ""))
        elif len(cells) == 2 and cells[0].replace(",", "").isdigit():
            found[("flash", re.sub(r"\(.*", "", cells[1]))] = int(cells[0].replace(",", ""))
    return found


def compare(old, new):
    """What is not as the page says."""
    complaints = []
    for (kind, what), size in figures(new).items():
        known = figures(old).get((kind, what))
        if known is None:
            complaints.append(f"{what}: {kind} is not on the page")
        elif abs(size - known) > known * TOLERANCE[kind] + 16:
            complaints.append(f"{what}: {kind} {size:,}, and the page has {known:,}")
    return complaints


def main():
    if reason := missing():
        print(f"skipped: sizes: {reason}")
        return
    own_network()
    cable = Cable(HOST, HOST_ETHERNET)
    with tempfile.TemporaryDirectory() as directory:
        host = Host(directory)
        host.file("file", LENGTH)
        rows = measure_clients(cable, host) + measure_others(cable, host)
    page = INTRODUCTION + "".join(row(*values) for values in rows) + core()
    if sys.argv[1:] == ["--write"]:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(page)
        return
    with open(PAGE, encoding="utf-8") as file:
        complaints = compare(file.read(), page)
    for complaint in complaints:
        print(complaint)
    if complaints:
        sys.exit("look at what has grown; adapters/firmware/tests/size.py --write notes it")
    print("sizes are as docs/size.md has them")


main()
