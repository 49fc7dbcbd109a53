"""A program under way, and what it has said so far."""

import fcntl
import os
import re
import subprocess
import termios
import threading
import time


def own_terminal():
    """Makes standard input the terminal of a session of its own, as a shell does."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Program:
    """Starts a program. At a terminal it can be typed at."""

    def __init__(self, command, environment=None, at_terminal=False):
        self.command = command
        self.text = ""
        if at_terminal:
            self._ours, theirs = os.openpty()
            streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs, "preexec_fn": own_terminal}
        else:
            self._ours, theirs = os.pipe()
            streams = {"stdin": subprocess.DEVNULL, "stdout": theirs, "stderr": theirs}
        self.process = subprocess.Popen(command, env=environment, **streams)
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while True:
            try:
                some = os.read(self._ours, 4096)
            except OSError:  # the other end of a terminal is gone
                return
            if not some:
                return
            self.text += some.decode(errors="replace")

    def says(self, pattern, patience=20, times=1):
        """Waits until it has said something so often; what matched last."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            found = list(re.finditer(pattern, self.text, re.MULTILINE))
            if len(found) >= times:
                return found[-1]
            if self.process.poll() is not None and not self._reader.is_alive():
                break
            time.sleep(0.02)
        raise AssertionError(f"{self.command[0]} did not say {pattern!r} {times} times in {patience} s:\n{self.text}")

    def types(self, line):
        """Types a line at its terminal."""
        os.write(self._ours, f"{line}\n".encode())

    def ends(self, patience=30):
        """Waits for its end; its exit code."""
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.command[0]} did not end in {patience} s:\n{self.text}") from None
        self._reader.join()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self._ours)
