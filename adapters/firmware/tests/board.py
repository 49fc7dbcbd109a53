"""A board in QEMU with one of the images."""

import base64
import os
import secrets
import subprocess

from program import Program

FIRMWARE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(FIRMWARE, "target")), "thumbv7m-none-eabi")


def build(*options, log="info"):
    """Builds the images, or those that are named by options of cargo; what they log says `log`, with the feature defmt."""
    command = ["cargo", "build", "--quiet", "--release", "--locked", *options]
    # Incremental builds are larger.
    environment = {**os.environ, "DEFMT_LOG": log, "CARGO_INCREMENTAL": "0"}
    subprocess.run(command, cwd=FIRMWARE, check=True, env=environment)


def image(name):
    """Where an image is."""
    return os.path.join(TARGET, "release", name)


class Board(Program):
    """An image that runs."""

    def __init__(self, image_name, nic, machine="mps2-an385", serial="null", **settings):
        settings.setdefault("seed", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("="))
        words = "".join(f",arg={key}={value}" for key, value in settings.items())
        super().__init__([
            "qemu-system-arm", "-M", machine, "-kernel", image(image_name), "-nic", nic,
            "-display", "none", "-monitor", "none", "-serial", serial,
            "-semihosting-config", f"enable=on,target=native,arg={image_name}{words}",
        ])

    def seconds_of_processor(self):
        """What QEMU has used so far of this machine's processor."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
