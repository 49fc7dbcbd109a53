#!/usr/bin/env python3
"""Reads an ARM image without any tools: the size of its sections, of its objects, and who calls a panic.

    elf.py flash IMAGE TEXT     a line: bytes of code and constants, and how many are the compiler's own
    elf.py core IMAGE           bytes of code and constants, without the compiler's own
    elf.py sizes IMAGE          the objects whose names begin with SIZE_, and their sizes
    elf.py callers IMAGE        the call sites of panics, in an image linked with --emit-relocs

The compiler's own are memcpy, the division of 64-bit numbers and the like: every firmware has them once.
"""

import shutil
import struct
import subprocess
import sys
from collections import namedtuple

Section = namedtuple("Section", "name kind flags address offset size link info entry")
Symbol = namedtuple("Symbol", "name value size kind section")

ALLOCATED, WRITTEN = 2, 1
BITS, SYMBOLS, REL = 1, 2, 9
OBJECT, FUNCTION = 1, 2
RUNTIME = ("compiler_builtins", "__aeabi_", "__udiv", "__div", "__muldi", "memcpy", "memmove", "memset", "memcmp")
# R_ARM_THM_CALL, R_ARM_THM_JUMP24, R_ARM_THM_JUMP19, R_ARM_ABS32
CALLS = (10, 30, 51, 2)


class Image:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:6] != b"\x7fELF\x01\x01":
            sys.exit(f"{path}: no 32-bit little-endian ELF")
        (start,) = struct.unpack_from("<I", self.data, 32)
        size, count, names = struct.unpack_from("<HHH", self.data, 46)
        rows = [struct.unpack_from("<10I", self.data, start + size * place) for place in range(count)]
        self.sections = [Section(*row[:8], row[9]) for row in rows]
        text = self.sections[names].offset
        self.sections = [section._replace(name=self.text(text + section.name)) for section in self.sections]
        table = next(section for section in self.sections if section.kind == SYMBOLS)
        strings = self.sections[table.link].offset
        self.symbols = []
        for place in range(table.offset, table.offset + table.size, 16):
            name, value, size, kind, _, section = struct.unpack_from("<IIIBBH", self.data, place)
            self.symbols.append(Symbol(self.text(strings + name), value, size, kind & 15, section))

    def text(self, start):
        return self.data[start : self.data.index(b"\0", start)].decode()

    def flash(self):
        kept = (s for s in self.sections if s.flags & ALLOCATED and s.kind == BITS)
        # Nothing is unwound on a device: the tables for it are not put there.
        return sum(section.size for section in kept if not section.name.startswith((".ARM.ex", ".eh_frame")))

    def runtime(self):
        functions = (s for s in self.symbols if s.kind == FUNCTION and any(part in s.name for part in RUNTIME))
        # One function may have several names.
        code = {(s.value, s.size) for s in functions}
        return sum(size for _, size in code)

    def calls(self):
        """Pairs of an address and the symbol that is called there."""
        for section in self.sections:
            if section.kind != REL or not self.sections[section.info].flags & ALLOCATED:
                continue
            for place in range(section.offset, section.offset + section.size, 8):
                address, info = struct.unpack_from("<II", self.data, place)
                if info & 255 in CALLS:
                    yield address, self.symbols[info >> 8]


def plain(name):
    """A mangled name, made readable when there is a tool for it."""
    for tool in ("rustfilt", "llvm-cxxfilt", "c++filt"):
        if shutil.which(tool):
            return subprocess.run([tool, name], capture_output=True, text=True).stdout.strip() or name
    return name


def lines(path, address):
    """The source lines of an address, innermost first, when there is a tool for it."""
    for tool in ("llvm-addr2line", "llvm-symbolizer", "arm-none-eabi-addr2line"):
        if shutil.which(tool):
            command = [tool, "-e", path, "-a", "-i", "-f", "-C", hex(address)]
            found = subprocess.run(command, capture_output=True, text=True).stdout.split("\n")[1:]
            return [f"{line} in {function}" for function, line in zip(found[::2], found[1::2])]
    return []


def callers(path):
    image = Image(path)
    functions = sorted((s.value & ~1, s.value & ~1 | 1, s) for s in image.symbols if s.kind == FUNCTION)
    sites = []
    for address, callee in image.calls():
        caller = next((f for start, _, f in functions if start <= address < start + f.size), None)
        sites.append((address, caller, callee))
    ends = {s.name for s in image.symbols if "ERROR: a panic" in s.name}
    # What does nothing but lead to a panic is not where it comes from: go up through the panics of the library.
    work = list(ends)
    while work:
        end = work.pop()
        for address, caller, callee in sites:
            if callee.name != end or caller is None or caller.name in ends:
                continue
            name = plain(caller.name)
            if any(part in name for part in ("panicking", "rust_begin_unwind", "unwrap_failed", "_fail", "panic_")):
                ends.add(caller.name)
                work.append(caller.name)
            else:
                print(f"{name}\n  calls {plain(callee.name).strip()} at {address:#x}")
                for line in lines(path, address):
                    print(f"    {line}")


def sizes(path):
    found = {s.name: s.size for s in Image(path).symbols if s.kind == OBJECT and s.name.startswith("SIZE_")}
    for name, size in sorted(found.items()):
        print(f"{size:8}  {name.removeprefix('SIZE_')}")


def flash(path, text):
    image = Image(path)
    print(f"{image.flash():8}  {text} ({image.runtime()} of them the compiler's own)")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    command, path, *text = sys.argv[1:]
    if command == "flash":
        flash(path, *text)
    elif command == "core":
        print(Image(path).flash() - Image(path).runtime())
    elif command == "sizes":
        sizes(path)
    elif command == "callers":
        callers(path)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
