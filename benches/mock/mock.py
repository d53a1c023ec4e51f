#!/usr/bin/env python3
"""Measures how fast the mock is and whether its memory stays flat.

    cargo build --release
    python3 benches/mock/mock.py speed                # calls/s on one core, with wrk on another
    python3 benches/mock/mock.py soak --minutes 60    # memory, with most features on

`recall mock` listens on loopback. wrk is required and, for `speed`, taskset and two cores. The soak
makes about --calls calls per second, always with new IDs, from many apps and over connections that
come and go. At that rate a core still has time for other work.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import time
import zlib
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benches/side-by-side"))

from server import Mock  # noqa: E402

CALLS = ROOT / "benches/mock/calls.lua"
# From samples/world.toml.
APP, KEY = 1400000000, "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"

WORLD = ["--world", str(ROOT / "samples/world.toml"), "--traffic", "100"]
FAULTS = [word for fault in ["10002=2%", "10019=1%/row", "502=1%", "reset=1%", "half=0.5%", "html=0.5%",
                             "wrong=0.5%", "slow=0.005%", "hang=0.0002%"] for word in ["--fail", fault]]
CAP = ["--cap", "200"]
LATENCY = ["--latency", "lognormal:5ms,50ms"]


def usersig():
    """Returns a UserSig for the world's administrator, valid for a day."""
    now = int(time.time())
    text = f"TLS.identifier:administrator\nTLS.sdkappid:{APP}\nTLS.time:{now}\nTLS.expire:86400\n"
    sig = base64.b64encode(hmac.new(KEY.encode(), text.encode(), hashlib.sha256).digest()).decode()
    claims = {"TLS.ver": "2.0", "TLS.identifier": "administrator", "TLS.sdkappid": APP, "TLS.expire": 86400,
              "TLS.time": now, "TLS.sig": sig}
    packed = base64.b64encode(zlib.compress(json.dumps(claims).encode())).decode()
    return packed.translate(str.maketrans("+/=", "*-_"))


def wrk(mock, seconds, connections, **calls):
    environment = {f"CALLS_{name.upper()}": str(value) for name, value in calls.items()}
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", CALLS, mock.address]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment)


def pin(process, core):
    subprocess.run(["taskset", "-a", "-p", "-c", str(core), str(process.pid)], check=True,
                   stdout=subprocess.DEVNULL)


def cpu(process):
    """Returns the seconds of CPU time the process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process):
    """Returns the resident memory of the process in KiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def speed(args):
    """Measures calls/s with the mock pinned to one core and wrk to another."""
    rounds = []
    for _ in range(args.rounds):
        with Mock(args.recall, []) as mock:
            pin(mock.process, 0)
            load = wrk(mock, args.seconds, args.connections)
            pin(load, 1)
            load.wait()
            spent = cpu(mock.process)
            seen = mock.stop()
            assert set(seen["by_code"]) == {"0"}, seen["by_code"]
            rounds.append((seen["calls"] / args.seconds, seen["calls"] / spent))
    print("| round | calls/s | calls per second of CPU |\n|---:|---:|---:|")
    for number, (wall, busy) in enumerate(rounds, 1):
        print(f"| {number} | {wall:,.0f} | {busy:,.0f} |")
    print(f"| median | {median(r[0] for r in rounds):,.0f} | {median(r[1] for r in rounds):,.0f} |")


def soak(args):
    """Watches memory under load. Writes each sample to a file: seconds, calls, connections, KiB."""
    flags = [*([] if args.made_up else WORLD), *FAULTS, *CAP, *LATENCY]
    pause, connections = 20, max(8, args.calls * 28 // 1000)
    samples, began = [], time.monotonic()
    with Mock(args.recall, flags) as mock, open(args.samples, "w") as file:
        load = wrk(mock, args.minutes * 60, connections, delay_ms=pause, usersig=usersig(), mixed=1)
        while load.poll() is None:
            time.sleep(10)
            seen = json.loads(mock.ask("seen"))
            samples.append((int(time.monotonic() - began), seen["calls"] + seen["lookups"]["calls"],
                            seen["connections"], memory(mock.process)))
            print(*samples[-1], sep=",", file=file, flush=True)
    minutes = samples[-1][0] / 60
    hour = [sample[3] for sample in samples[min(6, len(samples) - 1):]]
    print(f"{samples[-1][1]:,} calls over {samples[-1][2]:,} connections in {minutes:.0f} min: "
          f"{hour[0]:,} KiB after a minute, {min(hour):,} to {max(hour):,} since, {hour[-1]:,} at the end")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "soak"])
    parser.add_argument("--recall", default=str(ROOT / "target/release/recall"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--calls", type=int, default=2000, help="calls per second, roughly")
    parser.add_argument("--made-up", action="store_true", help="soak without a world")
    parser.add_argument("--samples", default="soak.csv")
    args = parser.parse_args()
    {"speed": speed, "soak": soak}[args.what](args)


if __name__ == "__main__":
    main()
