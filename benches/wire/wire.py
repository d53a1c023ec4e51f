#!/usr/bin/env python3
"""Checks that the cap is kept on the wire, and measures how much of it is used.

    cargo build --release
    python3 benches/wire/wire.py                      # all conditions: 50 minutes
    python3 benches/wire/wire.py --seconds 20         # all, each cut short: 5 minutes
    python3 benches/wire/wire.py steady "clock jumps" # some

Runs `recall` against `recall mock` on loopback, with answers after 20 to 80 ms, and prints a Markdown
table. It relies on the kernel's times: those of every request on the wire (tcpdump), and the arrival
times that the mock records. Every run starts with cold connections, and leaves nothing behind. It
installs nothing. Tools that are missing are skipped with a message: tcpdump (which needs permission to
capture), faketime (for the clock that jumps).

"drain" compares the duration of the run with calls ÷ cap. At the end of a run, the only rows left may be
waiting for another attempt, whatever the cap; the last column is how long that lasted.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benches/side-by-side"))

from server import Mock, Wire, busiest_second  # noqa: E402


def undisturbed(_):
    """Does nothing. Each of these functions returns for how many seconds the run could make no calls."""
    return 0


def stopped(run):
    """Suspends the process for 5 s."""
    time.sleep(run.seconds / 4)
    run.process.send_signal(signal.SIGSTOP)
    time.sleep(5)
    run.process.send_signal(signal.SIGCONT)
    return 5


def clock_jumps(run):
    """Sets the wall clock an hour forward, then two hours back, then right again."""
    for time_of_day in ("+1h", "-1h", "+0"):
        time.sleep(run.seconds / 4)
        run.clock.write_text(time_of_day)
    return 0


def busy(run):
    """Keeps a core busy with another process during the run."""
    spin = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    run.process.wait()
    spin.kill()
    spin.wait()
    return 0


@dataclass
class Condition:
    rate: int = 200
    # Calls, in seconds at the cap: 60,000 calls at the service's.
    seconds: int = 300
    # Percentage of calls that get a 10002.
    faults: int = 5
    latency: str = "20ms..80ms"
    meanwhile: callable = undisturbed


CONDITIONS = {
    "steady": Condition(),
    # In the first second, every call opens a new connection.
    "cold connections": Condition(latency="900ms..950ms"),
    "retries pile up": Condition(faults=40),
    "stopped for 5 s": Condition(meanwhile=stopped),
    "clock jumps": Condition(meanwhile=clock_jumps),
    "a core is busy": Condition(meanwhile=busy),
    "50 a second": Condition(rate=50),
    "7 a second": Condition(rate=7),
    "1 a second": Condition(rate=1),
}


@dataclass
class Run:
    """One run of `recall`, and the file that sets its wall clock if that should jump."""

    process: subprocess.Popen
    clock: Path
    seconds: int


def clock_in(file):
    """Returns the environment of a process whose wall clock is set by this file."""
    found = subprocess.run(["faketime", "-f", "+0", "printenv", "LD_PRELOAD"], capture_output=True, text=True, check=True)
    file.write_text("+0")
    return {"LD_PRELOAD": found.stdout.strip(), "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def measure(recall, condition, folder):
    rate = condition.rate
    # Fewer rows than calls, as calls that fail are repeated.
    count = round(rate * condition.seconds * (1 - condition.faults / 100))
    rows, ledger, clock = (folder / name for name in ("rows.csv", "rows.ledger.jsonl", "clock"))
    rows.write_text("group,sender\n" + "".join(f"@TGS#{n % 97},user_{n}\n" for n in range(count)))
    jumps = clock_in(clock) if condition.meanwhile is clock_jumps else {}
    faults = ["--latency", condition.latency, "--fail", f"10002={condition.faults}%"]
    with Mock(recall, faults) as mock, Wire(mock.port) as wire:
        command = [recall, "run", rows, "--ledger", ledger, "--endpoint", mock.address, "--rate", rate,
                   "--max-attempts", 20, "--json", "--progress", "none", "--yes"]
        process = subprocess.Popen(list(map(str, command)), env=os.environ | jumps, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        lost = condition.meanwhile(Run(process, clock, condition.seconds))
        summary = json.loads(process.communicate(timeout=2 * condition.seconds + 300)[0])
        times, seen = wire.stop(), mock.stop()
    if times and len(times) != seen["calls"]:
        print(f"tcpdump saw {len(times)} of {seen['calls']} calls", file=sys.stderr)
    figures = {"calls": seen["calls"], "wire": busiest_second(times), "mock": seen["worst_second"],
               "drain": (summary["elapsed_s"] - lost) * rate / seen["calls"] - 1}
    if times:
        # The ledger has the time at which a call was handed over, just before it is on the wire.
        last = bisect_left(times, last_first_call(ledger))
        figures["mean"] = last / (times[last] - times[0] - lost) / rate
        figures["only_retries"] = times[-1] - times[last]
    return figures


def last_first_call(ledger):
    """Returns when the last row had its first call, as nearly as the ledger says."""
    entries = map(json.loads, ledger.read_text().splitlines()[1:])
    *_, last = (entry for entry in entries if entry["attempts"] == 1)
    return datetime.fromisoformat(last["sent_at"].replace("Z", "+00:00")).timestamp()


def line(name, rate, figures):
    cells = [name, rate, f"{figures['calls']:,}", figures["wire"] or "–", figures["mock"],
             f"{figures['mean']:.2%}" if "mean" in figures else "–", f"{figures['drain']:+.2%}",
             f"{figures['only_retries']:.1f} s" if "only_retries" in figures else "–"]
    return "| " + " | ".join(map(str, cells)) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recall", default=str(ROOT / "target/release/recall"))
    parser.add_argument("--seconds", type=int, default=300, help="maximum length of a condition")
    parser.add_argument("conditions", nargs="*", choices=[[], *CONDITIONS], help="conditions to measure; the default is all")
    args = parser.parse_args()
    os.environ.update(RECALL_SDKAPPID=str(10**9 + os.getpid()), RECALL_SECRET_KEY="the mock takes any key")
    if not shutil.which("tcpdump"):
        print("Skipped: the figures from tcpdump, which is not installed", file=sys.stderr)
    heads = ["condition", "cap", "calls", "worst second, wire", "worst second, server", "mean ÷ cap while there are rows",
             "drain against calls ÷ cap", "only retries left for"]
    print("| " + " | ".join(heads) + " |\n|---|" + "---:|" * (len(heads) - 1))
    for name in args.conditions or CONDITIONS:
        condition = CONDITIONS[name]
        if condition.meanwhile is clock_jumps and not shutil.which("faketime"):
            print(f"Skipped: {name}: faketime is not installed", file=sys.stderr)
            continue
        condition.seconds = min(condition.seconds, args.seconds)
        with tempfile.TemporaryDirectory() as folder:
            print(line(name, condition.rate, measure(args.recall, condition, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
