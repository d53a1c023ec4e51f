#!/usr/bin/env python3
"""Compares recall with the tools people use today, against the same server on the same machine.

    cargo build --release --bin recall --example naive
    python3 benches/side-by-side/side_by_side.py

prints a Markdown table. It installs nothing. Tools that are missing are skipped with a message: oha,
curl and GNU parallel, Python with aiohttp and aiolimiter (--python names another Python), tcpdump
(which needs permission to capture), GNU time. Every load has a fixed number of calls and goes to
`recall mock` on loopback, in its own process, started fresh for each load.

At full speed, recall is limited by one core. That core spends most of its time in the kernel (one write
and one read a call), then in reqwest and hyper: their allocations, and the URL, which reqwest parses twice
a call. Every call in flight and its connection use some of the core's cache, so recall's default of
--concurrency 200 makes each call more expensive; it pays off when answers are slow.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from server import CAP, Mock, Wire, busiest_second, timed

ROOT = Path(__file__).resolve().parents[2]
# The body that recall sends, so that every tool sends the same number of bytes.
BODY = '{"GroupId":"@TGS#2C5S0976EAEF","Sender_Account":"user_00099999"}'
# A bucket of the cap's size, as aiolimiter's documentation shows it.
AIOHTTP = """
import asyncio, contextlib, sys
import aiohttp
from aiolimiter import AsyncLimiter
url, body, calls, slots, rate = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
async def main():
    limiter = AsyncLimiter(rate, 1) if rate else contextlib.nullcontext()
    left = iter(range(calls))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=slots)) as session:
        async def worker():
            for _ in left:
                async with limiter:
                    pass
                async with session.post(url, data=body) as answer:
                    assert (await answer.json())["ErrorCode"] == 0
        await asyncio.gather(*(worker() for _ in range(slots)))
asyncio.run(main())
"""


def query(recall):
    """Returns the path and query of a call as recall makes it."""
    usersig = subprocess.run([recall, "usersig", "mint"], capture_output=True, check=True, text=True).stdout.strip()
    return (f"v4/group_open_http_svc/delete_group_msg_by_sender?sdkappid={os.environ['RECALL_SDKAPPID']}"
            f"&identifier=administrator&usersig={usersig}&contenttype=json&random=4294967295")


class Recall:
    name = "recall: rows from a file, synced ledger"
    full_speed = 100_000

    def __init__(self, args, folder):
        self.program, self.slots, self.folder = args.recall, args.concurrency, folder

    def missing(self):
        return None if os.access(self.program, os.X_OK) else "cargo build --release --bin recall"

    def command(self, address, calls, rate):
        rows = self.folder / f"{calls}.csv"
        if not rows.exists():
            with rows.open("w") as file:
                file.write("group,sender\n")
                file.writelines(f"@TGS#2C5S{n % 977:04}EAEF,user_{n:08}\n" for n in range(calls))
        ledger = self.folder / "recall.ledger.jsonl"
        ledger.unlink(missing_ok=True)
        return [self.program, "run", rows, "--endpoint", address, "--rate", str(rate or "max"),
                "--concurrency", str(self.slots), "--ledger", ledger, "--progress", "none", "--yes"]


class Oha:
    name = "oha"
    full_speed = 100_000

    def __init__(self, args, _):
        self.query, self.program, self.slots = args.query, args.oha, args.concurrency

    def missing(self):
        return None if shutil.which(self.program) else "oha is not on the path (--oha FILE)"

    def command(self, address, calls, rate):
        pace = ["-q", str(rate)] if rate else []
        return [self.program, "--no-tui", "-n", str(calls), "-c", str(self.slots), *pace, "-m", "POST",
                "-T", "application/json", "-d", BODY, f"{address}/{self.query}"]


class Naive:
    name = "reqwest in a loop, governor's default quota"
    full_speed = 100_000

    def __init__(self, args, _):
        self.query, self.program, self.slots = args.query, args.naive, args.concurrency

    def missing(self):
        return None if os.access(self.program, os.X_OK) else "cargo build --release --example naive"

    def command(self, address, calls, rate):
        return [self.program, f"{address}/{self.query}", BODY, str(calls), str(self.slots), str(rate)]


class Aiohttp:
    name = "aiohttp with aiolimiter"
    full_speed = 20_000

    def __init__(self, args, _):
        self.query, self.python, self.slots = args.query, args.python, args.concurrency

    def missing(self):
        if not shutil.which(self.python):
            return f"{self.python} is not on the path (--python FILE)"
        found = subprocess.run([self.python, "-c", "import aiohttp, aiolimiter"], capture_output=True)
        return None if found.returncode == 0 else f"{self.python} lacks aiohttp or aiolimiter (--python FILE)"

    def command(self, address, calls, rate):
        return [self.python, "-c", AIOHTTP, f"{address}/{self.query}", BODY, str(calls), str(self.slots), str(rate)]


class Parallel:
    name = "GNU parallel with curl"
    full_speed = 300

    def __init__(self, args, _):
        # More processes would only wait for each other.
        self.query, self.slots = args.query, min(args.concurrency, 32)

    def missing(self):
        gone = [program for program in ("parallel", "curl") if not shutil.which(program)]
        return f"{' and '.join(gone)} not on the path" if gone else None

    def command(self, address, calls, rate):
        pace = f"--delay {1 / rate}" if rate else ""
        curl = f"curl -s -o {os.devnull} -H content-type:application/json -d '{BODY}' '{address}/{self.query}'"
        return ["bash", "-c", f"seq {calls} | parallel --will-cite -j {self.slots} {pace} -N0 -q {curl}"]


def at_cap(tool, args):
    """Returns calls/s, mean ÷ cap, and the worst second, on the wire if it can be read, and at the mock."""
    calls = min(CAP * args.seconds, tool.full_speed)
    with Mock(args.recall, ["--latency", "20ms..80ms"]) as mock, Wire(mock.port) as wire:
        load = timed(tool.command(mock.address, calls, CAP), 60 + args.seconds * 10)
        seen = mock.stop()
        times = wire.stop()
    check(tool, seen, calls)
    return {"rate": calls / load.seconds, "of_cap": mean(times), "wire": busiest_second(times), "mock": seen["worst_second"]}


def mean(times):
    """Returns the mean rate ÷ cap after the first second. A burst at the start shows in the worst second."""
    later = [at for at in times if at - times[0] >= 1]
    return (len(later) - 1) / (later[-1] - later[0]) / CAP if len(later) > 1 else None


def full_speed(tool, args):
    """Returns calls/s, CPU seconds per 100,000 calls, and memory."""
    with Mock(args.recall, []) as mock:
        load = timed(tool.command(mock.address, tool.full_speed, 0), 120)
        check(tool, mock.stop(), tool.full_speed)
    cpu = load.cpu and load.cpu * 100_000 / tool.full_speed
    return {"fastest": tool.full_speed / load.seconds, "cpu": cpu, "memory": load.memory}


def check(tool, seen, calls):
    if seen["calls"] != calls:
        print(f"{tool.name}: {seen['calls']} calls arrived instead of {calls}", file=sys.stderr)


def table(figures):
    heads = ["", f"calls/s of {CAP}", "mean ÷ cap after 1 s", "worst second, wire", "worst second, server",
             "calls/s at full speed", "CPU s per 100,000", "from, to", "÷ recall's", "peak MiB"]
    yield "| " + " | ".join(heads) + " |"
    yield "|---|" + "---:|" * (len(heads) - 1)
    for name, rounds in figures.items():
        of = lambda key, pick=median: pick([r[key] for r in rounds if r[key] is not None] or [float("nan")])
        # By round: the speed of the machine is about constant within a round, but not over many.
        ratios = [r["cpu"] / recall["cpu"] for r, recall in zip(rounds, figures.get(Recall.name, [])) if r["cpu"]]
        cells = [f"{of('rate'):.1f}", f"{of('of_cap'):.2%}", f"{of('wire', max):.0f}", f"{of('mock', max):.0f}",
                 f"{of('fastest'):,.0f}", f"{of('cpu'):.2f}", f"{of('cpu', min):.2f}, {of('cpu', max):.2f}",
                 f"{median(ratios or [float('nan')]):.2f}", f"{of('memory'):.0f}"]
        yield f"| {name} | " + " | ".join("–" if "nan" in cell else cell for cell in cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recall", default=str(ROOT / "target/release/recall"))
    parser.add_argument("--naive", default=str(ROOT / "target/release/examples/naive"))
    parser.add_argument("--oha", default="oha")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--concurrency", type=int, default=50, help="calls in flight; the default is oha's")
    parser.add_argument("--seconds", type=int, default=10, help="length of a load at the cap")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the table has medians, but the worst second of all")
    args = parser.parse_args()
    os.environ.update(RECALL_SDKAPPID=str(10**9 + os.getpid()), RECALL_SECRET_KEY="the mock takes any key")
    args.query = query(args.recall)
    with tempfile.TemporaryDirectory() as folder:
        tools = [kind(args, Path(folder)) for kind in (Recall, Oha, Naive, Aiohttp, Parallel)]
        for tool in tools:
            if why := tool.missing():
                print(f"Skipped: {tool.name}: {why}", file=sys.stderr)
        tools = [tool for tool in tools if not tool.missing()]
        for gone in (what for what in ("tcpdump", "time") if not shutil.which(what)):
            print(f"Skipped: the figures from {gone}, which is not installed", file=sys.stderr)
        figures = {tool.name: [] for tool in tools}
        for number in range(args.rounds):
            # Rotate the order: each tool leaves a warm CPU and old sockets to the next.
            first = number % len(tools)
            in_turn = tools[first:] + tools[:first]
            for tool in in_turn:
                print(f"Round {number + 1} of {args.rounds}: {tool.name} at the cap", file=sys.stderr)
                figures[tool.name].append(at_cap(tool, args))
            # Back to back, while the speed of the machine is the same for all.
            for tool in in_turn:
                print(f"Round {number + 1} of {args.rounds}: {tool.name} at full speed", file=sys.stderr)
                figures[tool.name][-1] |= full_speed(tool, args)
                time.sleep(0.5)
    cores, model = len(os.sched_getaffinity(0)), os.uname()
    print(f"{cores} cores, {model.sysname} {model.release.split('-')[0]}, {args.concurrency} in flight, "
          f"{args.rounds} rounds of {args.seconds} s at the cap\n")
    print("\n".join(table(figures)))


if __name__ == "__main__":
    main()
