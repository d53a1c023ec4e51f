#!/usr/bin/env python3
"""Is the cap kept on the wire, and how much of it is used?

Runs `recall` against `recall mock` on loopback and judges by the kernel: the time of every request
on the wire (tcpdump, where it may capture) and the mock's own record, which is the kernel's arrival
times. Prints a Markdown table. From the project's folder, after `cargo build --release`:

    python3 benches/wire/wire.py            # every condition, some 9 minutes
    python3 benches/wire/wire.py --calls 60000 steady

It installs nothing, calls nothing but loopback, and ends by itself.
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
from pathlib import Path

RECALL = Path(__file__).parents[2] / "target/release/recall"
PORT = 18086
# The first bytes behind the TCP header are "POST".
POSTS = f"tcp dst port {PORT} and tcp[((tcp[12]&0xf0)>>2):4] = 0x504f5354"


def stall(run):
    """The lid of the laptop: the process stands still for 5 s, and goes on."""
    time.sleep(10)
    run.send_signal(signal.SIGSTOP)
    time.sleep(5)
    run.send_signal(signal.SIGCONT)


def busy(run):
    """Another process takes a whole core for as long as the run goes."""
    spin = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    run.wait()
    spin.kill()
    spin.wait()


# name: (rate, share of the calls, faults, what happens meanwhile)
CONDITIONS = {
    "steady": (200, 1.0, ["10002=5%"], None),
    "retries pile up": (200, 0.5, ["10002=40%"], None),
    "stopped for 5 s": (200, 0.5, ["10002=5%"], stall),
    "a core is busy": (200, 0.5, ["10002=5%"], busy),
    "50 a second": (50, 0.125, ["10002=5%"], None),
    "7 a second": (7, 0.02, ["10002=5%"], None),
    "1 a second": (1, 0.003, ["10002=5%"], None),
}


def rows(folder, count):
    path = folder / "rows.csv"
    lines = (f"@TGS#{row % 97},user_{row}\n" for row in range(count))
    path.write_text("group,sender\n" + "".join(lines))
    return path


def capture(folder):
    """tcpdump on loopback, once it listens; none where there is none or it may not."""
    if shutil.which("tcpdump") is None:
        return None
    dump = subprocess.Popen(
        ["tcpdump", "-i", "lo", "-s", "100", "-B", "4096", "-w", folder / "wire.pcap", POSTS],
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in dump.stderr:
        if "listening" in line:
            return dump
    return None


def times(folder):
    text = subprocess.run(
        ["tcpdump", "-r", folder / "wire.pcap", "-tt", "-n"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    # Whole microseconds: as floats, two times a second apart could come out a little less.
    stamps = (line.split(" ", 1)[0].split(".") for line in text.splitlines())
    return sorted(int(second) * 1_000_000 + int(micro) for second, micro in stamps)


def worst_second(stamps):
    worst = first = 0
    for last, stamp in enumerate(stamps):
        while stamp - stamps[first] >= 1_000_000:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


def measure(name, calls):
    rate, share, faults, meanwhile = CONDITIONS[name]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        words = [RECALL, "mock", "--listen", f"127.0.0.1:{PORT}", "--latency", "20ms..80ms"]
        for fault in faults:
            words += ["--fail", fault]
        mock = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        while "Ctrl-C" not in mock.stdout.readline():
            pass
        dump = capture(folder)
        # A row is called a little more than once where calls fail by chance.
        per_row = 1 / (1 - sum(float(fault.split("=")[1].rstrip("%")) for fault in faults) / 100)
        count = max(10, round(calls * share / per_row))
        env = {**os.environ, "RECALL_SDKAPPID": "1", "RECALL_SECRET_KEY": "any", "TMPDIR": str(folder)}
        endpoint = f"http://127.0.0.1:{PORT}"
        words = [RECALL, "run", rows(folder, count), "--endpoint", endpoint]
        words += ["--rate", str(rate), "--json", "--progress", "none", "--max-attempts", "20"]
        run = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if meanwhile:
            meanwhile(run)
        summary = json.loads(run.communicate(timeout=1_000)[0])
        stopped = 5 if meanwhile is stall else 0
        if dump:
            time.sleep(1)
            dump.send_signal(signal.SIGINT)
            dump.communicate()
        mock.send_signal(signal.SIGINT)
        seen = json.loads(mock.communicate()[0].splitlines()[0])
        if dump:
            stamps = times(folder)
            assert len(stamps) == seen["calls"], "tcpdump missed some"
            wire = worst_second(stamps)
            # The last calls are retries that wait their time, whatever the cap.
            most = stamps[: len(stamps) * 9 // 10]
            mean = f"{(len(most) - 1) / ((most[-1] - most[0]) / 1e6 - stopped) / rate:.2%}"
        else:
            wire = mean = "-"
    drain = (summary["elapsed_s"] - stopped) / (seen["calls"] / rate) - 1
    return (
        f"| {name} | {rate} | {seen['calls']:,} | {wire} | {seen['worst_second']} "
        f"| {mean} | {drain:+.2%} |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=20_000, help="calls of the steady condition")
    parser.add_argument("conditions", nargs="*", choices=[[], *CONDITIONS], help="all unless named")
    args = parser.parse_args()
    print("| condition | cap | calls | worst second on the wire | by the mock | first nine tenths: mean ÷ cap | drain time against calls ÷ cap |")
    print("|---|---|---|---|---|---|---|")
    for name in args.conditions or CONDITIONS:
        print(measure(name, args.calls), flush=True)


if __name__ == "__main__":
    main()
