"""A board in QEMU with one of the images."""

import base64
import os
import re
import secrets
import subprocess
import threading
import time

FIRMWARE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(FIRMWARE, "target")), "thumbv7m-none-eabi")


def build():
    """Builds the images."""
    subprocess.run(["cargo", "build", "--quiet", "--release", "--locked"], cwd=FIRMWARE, check=True)


def image(name):
    """Where an image is."""
    return os.path.join(TARGET, "release", name)


class Board:
    """An image that runs, and what it has said so far."""

    def __init__(self, name, nic, machine="mps2-an385", **settings):
        settings.setdefault("seed", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("="))
        words = "".join(f",arg={key}={value}" for key, value in settings.items())
        command = ["qemu-system-arm", "-M", machine, "-kernel", image(name), "-display", "none", "-monitor", "none"]
        command += ["-serial", "null", "-nic", nic]
        command += ["-semihosting-config", f"enable=on,target=native,arg={name}{words}"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, text=True)
        self._text = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._text += line

    def says(self, pattern, patience=20, times=1):
        """Waits until the board has said something so often, and returns what matched last."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            found = list(re.finditer(pattern, self._text, re.MULTILINE))
            if len(found) >= times:
                return found[-1]
            if self._process.poll() is not None and not self._reader.is_alive():
                break
            time.sleep(0.02)
        raise AssertionError(f"the board did not say {pattern!r} {times} times in {patience} s; it said:\n{self._text}")

    def ends(self, patience=30):
        """Waits for the end of the image, and returns its exit code."""
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the board did not end in {patience} s; it said:\n{self._text}") from None
        self._reader.join()
        return code

    def text(self):
        """What it has said."""
        return self._text

    def seconds_of_processor(self):
        """What QEMU has used so far of this machine's processor."""
        with open(f"/proc/{self._process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
