"""Programs of this machine, at the other end of the cable."""

import hashlib
import os
import random
import shutil
import subprocess
import sys

from program import Program

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
HOST, BOARD = "10.9.0.1", "10.9.0.2"
HOST_ETHERNET, BOARD_ETHERNET = "02000a090001", "02000a090002"
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))


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


def own_network(*options):
    """Goes on in a network of its own, and builds skep, with these options of cargo."""
    if os.environ.get("SKEP_NAMESPACE") is None:
        # Of processes too: none outlives this one.
        command = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, *sys.argv]
        os.execvpe("unshare", command, {**os.environ, "SKEP_NAMESPACE": "1"})
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["cargo", "build", "--quiet", "--locked", "-p", "skep", *options], cwd=ROOT, check=True)


class Host:
    """Programs with their files in a directory."""

    def __init__(self, directory, profile="debug"):
        self._skep = os.path.join(TARGET, profile, "skep")
        self.directory = directory
        self.shared = os.path.join(directory, "shared")
        os.mkdir(self.shared)

    def file(self, name, length):
        """Makes a file of random content in the shared directory; its hash."""
        content = random.Random(name).randbytes(length)
        with open(os.path.join(self.shared, name), "wb") as file:
            file.write(content)
        return hashlib.sha256(content).hexdigest()

    def start(self, *arguments, user="host", at_terminal=False):
        """Starts skep, as somebody with a key of his own."""
        home = os.path.join(self.directory, user)
        os.makedirs(home, exist_ok=True)
        environment = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "TERM": "xterm"}
        return Program([self._skep, *arguments], environment, at_terminal)

    def serve(self):
        """A server of the shared directory: in the clear, and sealed for everybody at port 7538. And its key."""
        server = self.start("serve", self.shared, "--public", "--listen", f"{HOST}:7538",
                            "--tcp", f"{HOST}:7537", "--rdt", f"{HOST}:7537")
        key = server.says(r"^serving skep://([^@]+)@")[1]
        server.says(r"^listening on", times=3)
        return server, key

    def tracker(self):
        """A tracker, and what a board is to be told of it."""
        tracker = self.start("tracker", "--listen", f"{HOST}:7540", user="tracker")
        key = tracker.says(r"^tracker skep://([^@]+)@")[1]
        return tracker, f"{key}@{HOST}:7540"

    def join(self, tracker, user):
        """A member of a tracker that shares the directory of this name, and can be typed at."""
        return self.start("join", "-s", f"skep://{tracker}/", "-u", user, "--downloads", self.downloads(user),
                          self.shared, user=user, at_terminal=True)

    def downloads(self, user):
        """Where a member's downloads are."""
        return os.path.join(self.directory, user, "downloads")

    def get(self, link, *options):
        """Fetches a file; the hash of what came."""
        output = os.path.join(self.directory, "got")
        with self.start("get", "-q", link, "-o", output, *options) as get:
            assert get.ends(60) == 0, get.text
        return digest(output)


def digest(path):
    """The hash of a file."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
