"""The server of a measurement, the traffic to it, and a stopwatch."""

import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass

CAP = 200


class Mock:
    """`recall mock` on a free port, in its own process."""

    def __init__(self, recall, flags):
        command = [recall, "mock", "--listen", "127.0.0.1:0", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().split()[-1]
        self.port = int(self.address.rsplit(":", 1)[1])

    def ask(self, what):
        """Returns what the mock reports: `seen`, `world`, …"""
        with urllib.request.urlopen(f"{self.address}/mock/{what}") as answer:
            return answer.read()

    def calls(self):
        """Returns the number of calls so far."""
        return json.loads(self.ask("seen"))["calls"]

    def stop(self):
        """Stops the mock and returns what it saw."""
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=10)
        return json.loads(out.splitlines()[-1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Wire:
    """Kernel timestamps of the requests to a port, if tcpdump is installed and permitted."""

    POST = "(tcp[((tcp[12] & 0xf0) >> 2):4] = 0x504f5354)"

    def __init__(self, port):
        self.process, self.file = None, None
        if not shutil.which("tcpdump"):
            return
        self.file = tempfile.NamedTemporaryFile(suffix=".pcap")
        command = ["tcpdump", "-i", "lo", "-n", "-s", "96", "-B", "8192", "--immediate-mode", "-U", "-w", self.file.name,
                   f"tcp dst port {port} and {self.POST}"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        # If it isn't permitted to, it says why and exits.
        if not any("listening on" in line for line in self.process.stderr):
            self.__exit__()
            self.process = None

    def stop(self):
        """Returns the times in seconds, in order; an empty list if tcpdump could not listen."""
        if self.process is None:
            return []
        time.sleep(0.2)
        self.process.send_signal(signal.SIGINT)
        _, words = self.process.communicate(timeout=10)
        if "\n0 packets dropped" not in words:
            print(f"tcpdump missed packets: {words}")
        return sorted(pcap_times(self.file.name))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def pcap_times(path):
    with open(path, "rb") as file:
        data = file.read()
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    at = 24
    while at + 16 <= len(data):
        seconds, micros, length, _ = struct.unpack_from(order + "IIII", data, at)
        yield seconds + micros / 1e6
        at += 16 + length


def busiest_second(times):
    """Returns the maximum number in any sliding second. Two that are a full second apart share none."""
    most, first = 0, 0
    for last, now in enumerate(times):
        # Half a microsecond less than a second: times are whole microseconds, but floats are inexact.
        while now - times[first] >= 1 - 5e-7:
            first += 1
        most = max(most, last - first + 1)
    return most or None


@dataclass
class Load:
    seconds: float
    cpu: float | None
    # Of the largest process, in MiB.
    memory: float | None
    exit_code: int


def timed(command, limit, ok=(0,), out=subprocess.DEVNULL):
    """Runs a command to its end. Kills its process group if that takes longer than `limit` seconds."""
    with tempfile.NamedTemporaryFile("r") as figures:
        gnu = [shutil.which("time"), "-q", "-o", figures.name, "-f", "%U %S %M"] if shutil.which("time") else []
        before = time.monotonic()
        process = subprocess.Popen([*gnu, *map(str, command)], stdout=out, stderr=subprocess.PIPE,
                                   start_new_session=True)
        try:
            _, words = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        seconds = time.monotonic() - before
        if process.returncode not in ok:
            raise SystemExit(f"{command[0]} ended with {process.returncode}: {words.decode()[-2000:]}")
        spent = figures.read().split()
    if len(spent) != 3:
        return Load(seconds, None, None, process.returncode)
    user, system, kib = spent
    return Load(seconds, float(user) + float(system), int(kib) / 1024, process.returncode)
