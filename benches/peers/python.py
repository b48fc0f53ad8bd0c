#!/usr/bin/env python3
"""What a Python program gains: the same records through CPython's `logging`, picologging and this library.

    benches/peers/python.py                    # the table
    benches/peers/python.py --records 100000 --rounds 3

Each run is a process of its own and logs to a file in a temporary directory, with a time stamp, the level, the logger
and three numbers in each line. *Throughput* is from the first call until every line is in the file; the lines are
counted, and a run that lost one fails. *Call* is the mean time that one call took its thread, in bursts of 20 with a
pause of 1 ms between them, the median of the bursts. The medians of the rounds are printed.

picologging (PyPI) is measured where it is installed: `pip install picologging`. The library's own lines come from
`cargo bench --bench rates` and `--bench percentiles`, whose record is the same.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
PAUSE = 0.001
BURSTS = 500
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def logger_of(name, path):
    """Returns a logger that writes to the file, and what makes it write all that it holds back."""
    library, _, kind = name.partition("/")
    if library == "picologging":
        import picologging as logging
        from picologging import handlers
    else:
        import logging
        from logging import handlers
    file = logging.FileHandler(path)
    file.setFormatter(logging.Formatter(FORMAT))
    logger = logging.getLogger("bench")
    logger.setLevel(logging.INFO)
    if kind == "FileHandler":
        logger.addHandler(file)
        return logger, file.close
    import queue

    records = queue.Queue(-1)
    listener = handlers.QueueListener(records, file)
    logger.addHandler(handlers.QueueHandler(records))
    listener.start()

    def finish():
        listener.stop()
        file.close()

    return logger, finish


def run(name, records):
    """Measures one library in this process."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "latency.log")
        logger, finish = logger_of(name, path)
        means = []
        for burst in range(BURSTS):
            start = time.perf_counter_ns()
            for i in range(20):
                logger.info("Logging int: %d, int: %d, double: %f", i, i * 2, i * 0.5)
            means.append((time.perf_counter_ns() - start) / 20)
            time.sleep(PAUSE)
        start = time.perf_counter_ns()
        for i in range(records):
            logger.info("Logging int: %d, int: %d, double: %f", i, i * 2, i * 0.5)
        finish()
        seconds = (time.perf_counter_ns() - start) / 1e9
        with open(path, "rb") as file:
            lines = sum(1 for _ in file)
        if lines != BURSTS * 20 + records:
            sys.exit(f"{name}: {lines} lines of {BURSTS * 20 + records}")
        print(json.dumps({"call": statistics.median(means), "rate": records / seconds}))


def library(records, rounds):
    """Measures this library with the benches of the repository; returns calls' costs and rates."""
    build = ["cargo", "bench", "--quiet", "--no-run", "--message-format=json", "--bench"]
    rates = []
    for line in subprocess.run([*build, "rates"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines():
        message = json.loads(line)
        if message.get("target", {}).get("name") == "rates" and message.get("executable"):
            for _ in range(rounds):
                child = [message["executable"], "--child", "library", "1", str(records)]
                words = subprocess.run(child, check=True, capture_output=True, text=True).stdout.split()
                rates.append(float(dict(word.split("=") for word in words)["rate"]))
    return statistics.median(rates)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        return run(options.run, options.records)
    names = ["logging/FileHandler", "logging/QueueHandler"]
    try:
        import picologging

        names += ["picologging/FileHandler", "picologging/QueueHandler"]
    except ImportError:
        print("picologging is not installed", file=sys.stderr)
    figures = {name: [] for name in names}
    for _ in range(options.rounds):
        for name in names:
            child = [sys.executable, __file__, "--run", name, "--records", str(options.records)]
            figures[name].append(json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout))
    own = library(2_000_000, options.rounds)
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"CPython {version}, {options.records} records, medians of {options.rounds} rounds.\n")
    print("| library | one call, ns | records a second | this library's rate × |")
    print("|---|---|---|---|")
    for name, rounds in figures.items():
        call = statistics.median(figure["call"] for figure in rounds)
        rate = statistics.median(figure["rate"] for figure in rounds)
        print(f"| {name.replace('/', ', ')} | {call:,.0f} | {rate:,.0f} | {own / rate:.0f} |")
    print(f"| femtologging, from Rust | see `cargo bench --bench percentiles` | {own:,.0f} | 1 |")


if __name__ == "__main__":
    main()
