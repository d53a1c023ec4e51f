#!/usr/bin/env python3
"""Start-up, memory, files and resume of this tool, as its work grows.

    cargo build --release
    python3 benches/side-by-side/limits.py

prints one Markdown table; medians where a thing is measured several times. It makes its inputs
in a temporary folder (--rows 10000000 needs 2.5 GB there) and calls `recall mock` on loopback.
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

from server import Mock, timed

ROOT = Path(__file__).resolve().parents[2]
TEN_TIMES = 10


def write_rows(path, rows, distinct, more=()):
    with path.open("w") as file:
        file.write("group,sender\n")
        file.writelines(f"{group(n % distinct)},{sender(n % distinct)}\n" for n in range(rows))
        file.writelines(more)
    return path


def write_ledger(path, rows, address, app):
    """What a run that was interrupted after so many rows leaves."""
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


def first_call_after(mock, command):
    """Seconds from the start of a command to the first call that the mock sees."""
    before, seen = mock.calls(), 0
    began = time.monotonic()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while seen <= before and process.poll() is None:
        time.sleep(0.01)
        seen = mock.calls()
    seconds = time.monotonic() - began
    process.wait()
    return seconds


def measure(args, folder):
    recall, rows = args.recall, args.rows
    version = median(timed([recall, "--version"], 10).seconds for _ in range(args.rounds * 7))
    yield "start-up (`--version`)", f"{version * 1000:.1f} ms"
    yield "binary", f"{os.stat(recall).st_size / 1e6:.1f} MB"

    service = ["--endpoint", "http://127.0.0.1:1", "--yes", "--progress", "none"]
    for count, distinct in [(rows // TEN_TIMES, rows // TEN_TIMES), (rows, rows), (rows, 100_000)]:
        file = write_rows(folder / "rows.csv", count, distinct)
        loads = [timed([recall, "run", file, "--dry-run", *service], 120) for _ in range(args.rounds)]
        name = f"dry run, {count:,} rows" + ("" if count == distinct else f", {distinct:,} distinct")
        yield name, figures(loads)

    app = int(os.environ["RECALL_SDKAPPID"])
    with Mock(recall, []) as mock:
        write_rows(folder / "rows.csv", rows, rows, ["@TGS#new,one_more\n"])
        ledger = write_ledger(folder / "rows.ledger.jsonl", rows, mock.address, app)
        size = ledger.stat().st_size
        command = [recall, "run", folder / "rows.csv", "--resume", "--ledger", ledger,
                   "--endpoint", mock.address, "--yes", "--progress", "none"]
        first = first_call_after(mock, command)
        yield f"`--resume`, ledger of {rows:,}: to the first new call, behind all others", f"{first:.1f} s"
        (folder / "rows.csv").unlink()
        first_row = write_rows(folder / "new.csv", 0, 1, ["@TGS#new,another\n"])
        command[2] = first_row
        yield f"`--resume`, ledger of {rows:,}: to the first new call, ahead of all others", (
            f"{first_call_after(mock, command):.1f} s")
        yield "ledger, bytes a row", f"{size / rows:.0f}"
        ledger.unlink()

    for count in [100_000, 1_000_000]:
        bench = subprocess.run([recall, "bench", "--rows", str(count), "--json", "--progress", "none"],
                               capture_output=True, check=True)
        part = json.loads(bench.stdout)["parts"][0]
        yield f"full speed, {count:,} rows, mock inside", (
            f"{part['calls_per_s']:,.0f} calls/s, {part['peak_memory'] / 2**20:.0f} MiB")

    file = write_rows(folder / "rows.csv", 100_000, 100_000)
    with Mock(recall, ["--fail", "10002=100%", "--latency", "1s"]) as mock:
        outage = timed([recall, "run", file, "--ledger", folder / "outage.jsonl", "--endpoint", mock.address,
                        "--max-outage", "8s", "--yes", "--progress", "none"], 60, ok=(4,))
    yield "outage of 8 s, 100,000 rows, every slot waiting", figures([outage])


def figures(loads):
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
