#!/usr/bin/env python3
"""The lines of a log that an image has sent over its UART, for those who have no defmt-print.

    adapters/firmware/tests/log.py IMAGE FILE

What defmt-print puts into the texts stands behind them here, as bytes.
"""

import json
import sys


def texts(path):
    """What the numbers of an image stand for: the names of the symbols in its section .defmt (ELF, 32 bits)."""
    with open(path, "rb") as file:
        elf = file.read()

    def number(at, size=4):
        return int.from_bytes(elf[at:at + size], "little")

    start, entry, count = number(0x20), number(0x2E, 2), number(0x30, 2)
    headers = [start + index * entry for index in range(count)]
    symbols = next(header for header in headers if number(header + 4) == 2)
    names = number(headers[number(symbols + 0x18)] + 0x10)
    result = {}
    for at in range(number(symbols + 0x10), number(symbols + 0x10) + number(symbols + 0x14), 16):
        name = names + number(at)
        text = elf[name:elf.index(b"\0", name)]
        if text.startswith(b'{"package"'):
            symbol = json.loads(text)
            result[number(at + 4)] = (symbol["tag"].removeprefix("defmt_"), symbol["data"])
    return result


def unpacked(frame):
    """The bytes of a frame, which is coded from its end: rzCOBS, as the book of defmt has it."""
    source = iter(reversed(frame))
    result = bytearray()
    for code in source:
        if code == 0xFF:
            result.extend(next(source) for _ in range(134))
        elif code >= 0x80:
            result.append(0)
            result.extend(next(source) for _ in range((code & 0x7F) + 7))
        else:
            result.extend(0 if code & (64 >> bit) else next(source) for bit in range(7))
    return bytes(reversed(result))


def lines(image, log):
    """The lines of a log: level, text, bytes of its arguments."""
    known = texts(image)
    with open(log, "rb") as file:
        frames = file.read().split(b"\0")
    for frame in filter(None, frames):
        content = unpacked(frame)
        level, text = known.get(int.from_bytes(content[:2], "little"), ("?", "?"))
        yield level, text, content[2:]


if __name__ == "__main__":
    for level, text, arguments in lines(*sys.argv[1:]):
        print(f"{level:5} {text}  {arguments.hex(' ')}".rstrip())
