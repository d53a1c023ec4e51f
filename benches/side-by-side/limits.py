#!/usr/bin/env python3
"""How start-up, memory, files and resuming scale with the size of the input.

    cargo build --release
    python3 benches/side-by-side/limits.py

prints a Markdown table in about five minutes. Times are medians of --rounds, memory is the maximum.
The inputs are written to a temporary folder (2.5 GB, in proportion to --rows), which is removed at
the end. Calls go to `recall mock` on loopback. Memory needs GNU time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from server import Load, Mock, timed

ROOT = Path(__file__).resolve().parents[2]
TEN_TIMES = 10
# Seconds until a measurement is given up.
LIMIT = 300


def write_rows(path, rows, distinct):
    with path.open("w") as file:
        file.write("group,sender\n")
        file.writelines(f"{group(n % distinct)},{sender(n % distinct)}\n" for n in range(rows))
    return path


def write_ledger(path, rows, address, app):
    """Writes the ledger of a run that was interrupted after this many rows."""
    header = {"recall_ledger": 1, "app": app, "endpoint": address, "input": "rows.csv",
              "created": "2026-11-22T10:00:00Z"}
    with path.open("w") as file:
        file.write(json.dumps(header, separators=(",", ":")) + "\n")
        file.writelines(
            f'{{"row":{n + 2},"group":"{group(n)}","sender":"{sender(n)}","topic":"","outcome":"recalled",'
            f'"code":0,"info":"","attempts":1,"sent_at":"2026-11-22T10:00:00.123Z","ms":41}}\n'
            for n in range(rows))
    return path


def group(n):
    return f"@TGS#2C5S{n % 977:04}EAEF"


def sender(n):
    return f"user_{n:08}"


def first_call(mock, command):
    """Measures from the start of a command to its first call at the mock, then waits for its end."""
    before, seen = mock.calls(), 0
    began = time.monotonic()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while seen <= before:
        if process.poll() is not None or time.monotonic() - began > LIMIT:
            process.kill()
            raise SystemExit(f"no call from {command}")
        time.sleep(0.01)
        seen = mock.calls()
    load = Load(time.monotonic() - began, None, peak_memory(process.pid), None)
    process.wait(LIMIT)
    return load


def peak_memory(pid):
    """Of a running process, in MiB; None if the system does not say."""
    status = Path(f"/proc/{pid}/status")
    peaks = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")] if status.exists() else []
    return int(peaks[0]) / 1024 if peaks else None


def start_up(recall):
    """Measures without GNU time, which would take as long itself."""
    began = time.monotonic()
    subprocess.run([recall, "--version"], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def measure(args, folder):
    recall, rows = args.recall, args.rows
    version = median(start_up(recall) for _ in range(args.rounds * 7))
    yield "start-up (`--version`)", f"{version * 1000:.1f} ms"
    yield "binary", f"{os.stat(recall).st_size / 1e6:.1f} MB"

    service = ["--endpoint", "http://127.0.0.1:1", "--yes", "--progress", "none"]
    for count, distinct in [(rows // TEN_TIMES, rows // TEN_TIMES), (rows, rows), (rows, 100_000)]:
        file = write_rows(folder / "rows.csv", count, distinct)
        input = f"{count:,} rows" + ("" if count == distinct else f", {distinct:,} distinct")
        for name, command in [("check", ["check", file]), ("dry run", ["run", file, "--dry-run", *service])]:
            yield f"{name}, {input}", figures(timed([recall, *command], LIMIT) for _ in range(args.rounds))

    with Mock(recall, []) as mock:
        app = int(os.environ["RECALL_SDKAPPID"])
        ledger = write_ledger(folder / "rows.ledger.jsonl", rows, mock.address, app)
        yield "ledger, bytes a row", f"{ledger.stat().st_size / rows:.0f}"
        for name, settled in [("behind all others", rows), ("ahead of all others", 0)]:
            file = write_rows(folder / "rows.csv", settled, rows)
            command = [recall, "run", file, "--resume", "--ledger", ledger, "--endpoint", mock.address,
                       "--yes", "--progress", "none"]
            loads = []
            for number in range(args.rounds):
                with file.open("a") as more:
                    more.write(f"@TGS#new,{name} {number}\n")
                loads.append(first_call(mock, command))
            yield f"`--resume`, ledger of {rows:,}: to the first new call, {name}", figures(loads)
        ledger.unlink()

        for count in [rows // 100, rows // TEN_TIMES]:
            ledger = write_ledger(folder / "report.ledger.jsonl", count, mock.address, app)
            for name, command in [("report", ["report", ledger]),
                                  ("report as a page", ["report", ledger, "--html", folder / "report.html"])]:
                yield f"{name}, {count:,} entries", figures(timed([recall, *command], LIMIT) for _ in range(args.rounds))
            ledger.unlink()

    for count in [rows // 100, rows // TEN_TIMES]:
        bench = subprocess.run([recall, "bench", "--rows", str(count), "--json", "--progress", "none"],
                               capture_output=True, check=True, timeout=LIMIT)
        part = json.loads(bench.stdout)["parts"][0]
        yield f"full speed, {count:,} rows, mock inside", (
            f"{part['calls_per_s']:,.0f} calls/s, {part['peak_memory'] / 2**20:.0f} MiB")

    for count in [rows // 100, rows // TEN_TIMES]:
        file = write_rows(folder / "rows.csv", count, count)
        with Mock(recall, ["--fail", "hang=100%"]) as mock:
            command = [recall, "run", file, "--ledger", folder / f"{count}.jsonl", "--endpoint", mock.address,
                       "--timeout", "4s", "--max-outage", "8s", "--yes", "--progress", "none"]
            # Stopped, resumable.
            outage = timed(command, LIMIT, ok=(4,))
        yield f"outage of 8 s, {count:,} rows, every slot waiting for an answer", figures([outage])


def figures(loads):
    loads = list(loads)
    memory = f", {max(load.memory for load in loads):.0f} MiB" if loads[0].memory else ""
    return f"{median(load.seconds for load in loads):.2f} s{memory}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recall", default=str(ROOT / "target/release/recall"))
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    os.environ.update(RECALL_SDKAPPID=str(10**9 + os.getpid()), RECALL_SECRET_KEY="the mock takes any key")
    print("| what | measured |\n|---|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for what, measured in measure(args, Path(folder)):
            print(f"| {what} | {measured} |")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
