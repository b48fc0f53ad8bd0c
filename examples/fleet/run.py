#!/usr/bin/env python3
"""Ten processes log through a collector into a store. In the middle the collector is killed, and started again after
the processes have logged the rest. SQL counts what has arrived.

    pip install rotel duckdb opentelemetry-proto
    cargo build --release --features otlp --example fleet_worker
    examples/fleet/run.py target/release/examples/fleet_worker

The store must have what the processes' counters say: no record is missing. The collector is killed at a moment at which
it has nothing: it has no queue on disk, so that whatever it has answered for and not passed on would be lost with it.
"""

import argparse
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

import duckdb
import rotel

from store import Store

PROCESSES = 10
PATIENCE = 180


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited {PATIENCE} s: {what}")
        time.sleep(0.05)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Collector:
    """rotel, from OTLP over HTTP to OTLP over HTTP."""

    def __init__(self, store, folder):
        self.port, self.grpc = free_port(), free_port()
        self.store, self.log = store, open(folder / "rotel.log", "ab")
        self.process = None

    def start(self):
        program = pathlib.Path(rotel.__file__).parent / "rotel-agent"
        command = [program, "start", "--otlp-http-endpoint", f"127.0.0.1:{self.port}"]
        command += ["--otlp-grpc-endpoint", f"127.0.0.1:{self.grpc}"]
        # Where rotel divides a batch, it forgets the resource of the second part: requests are passed on as they come.
        command += ["--disable-batching"]
        command += ["--exporter", "otlp", "--otlp-exporter-protocol", "http"]
        command += ["--otlp-exporter-endpoint", f"http://127.0.0.1:{self.store.port}"]
        # The store shares two processors with everything else.
        command += ["--otlp-exporter-request-timeout", "60s", "--otlp-exporter-retry-initial-backoff", "200ms"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        wait_until("the collector listens", lambda: listens(self.port))

    def kill(self):
        self.process.kill()
        self.process.wait()


class Worker:
    """A process that logs."""

    def __init__(self, program, number, records, collector):
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
            "OTEL_SERVICE_NAME": "fleet",
            "OTEL_RESOURCE_ATTRIBUTES": f"worker={number}",
        }
        pipe = subprocess.PIPE
        command = [program, str(records)]
        self.process = subprocess.Popen(
            command, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
        )

    def expect(self, word):
        line = self.process.stdout.readline().strip()
        if line != word:
            sys.exit(f"a process said {line!r} in place of {word!r}")

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def counters(self):
        """The counters of its page in Prometheus' text format."""
        page, _ = self.process.communicate(timeout=PATIENCE)
        if self.process.returncode:
            sys.exit(f"exit status {self.process.returncode}")
        found = re.findall(r"^femtologging_(\w+)(?:\{.*\})? (\d+)$", page, re.MULTILINE)
        return {name: int(number) for name, number in found}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("worker")
    parser.add_argument("--records", type=int, default=100_000, help="of each process")
    options = parser.parse_args()
    half = PROCESSES * (options.records // 2)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        store = Store(folder / "store")
        collector = Collector(store, folder)
        collector.start()
        start = time.monotonic()
        workers = [Worker(options.worker, number, options.records, collector) for number in range(PROCESSES)]
        for worker in workers:
            worker.expect("half")
        wait_until("the collector has passed on the first half", lambda: store.records >= half)
        collector.kill()
        for worker in workers:
            worker.go_on()
        for worker in workers:
            worker.expect("logged")
        collector.start()
        sums = {}
        for worker in workers:
            for name, number in worker.counters().items():
                sums[name] = sums.get(name, 0) + number
        wait_until("the collector has passed on the rest", lambda: store.records >= sums["written_total"])
        seconds = time.monotonic() - start
        collector.kill()

        with open(folder / "logs.jsonl", "w", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in store.rows())
        store.close()
        duckdb.sql(f"COPY (FROM '{folder}/logs.jsonl') TO '{folder}/logs.parquet' (FORMAT parquet)")
        query = "SELECT count(*), count(DISTINCT (worker, n)), count(DISTINCT instance) FROM"
        [(rows, distinct, instances)] = duckdb.sql(f"{query} '{folder}/logs.parquet'").fetchall()

    dropped = sums.get("dropped_total", 0)
    print(f"{PROCESSES} processes logged {options.records} records each, in {seconds:.1f} s")
    print(
        f"processes: {sums['emitted_total']} emitted = {sums['written_total']} written + {dropped} dropped"
        f" + {sums['failed_total']} failed + {sums['in_flight']} in flight"
    )
    print(f"store:     {distinct} records of {instances} processes, {rows - distinct} more than once")
    if not sums["emitted_total"] == sums["written_total"] == distinct == PROCESSES * options.records:
        sys.exit("the sums differ")
    print("the sums are equal")


if __name__ == "__main__":
    main()
