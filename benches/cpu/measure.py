"""Timed processes, and batches of repetitions that other load on the machine did not spoil."""

import os
import selectors
import shlex
import subprocess
import time

HERTZ = os.sysconf("SC_CLK_TCK")
START_SECONDS = 300
BATCH_SECONDS = 120


class PeerError(Exception):
    """A timed process failed; the message says which and how."""


def machine_seconds():
    """CPU seconds that all processes (and the hypervisor's other guests) have used."""
    with open("/proc/stat", encoding="ascii") as stat:
        fields = [int(x) for x in stat.readline().split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) / HERTZ


class Timed:
    """A process that speaks the protocol of serve.py."""

    def __init__(self, name, command, log):
        self.name, self.log = name, log
        words = shlex.split(command) if isinstance(command, str) else command
        try:
            self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1)
        except OSError as error:
            raise PeerError(f"{name}: cannot start {words[0]}: {error}") from error
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        if self.line(START_SECONDS) != "ready":
            raise PeerError(f"{name}: the first line it printed is not `ready`")

    def line(self, seconds):
        """Its next line, or an error when it ends or says nothing for too long."""
        if not self.selector.select(seconds):
            self.close()
            raise PeerError(f"{self.name}: no answer within {seconds} s")
        text = self.process.stdout.readline()
        if not text:
            code = self.process.wait()
            self.close()
            raise PeerError(f"{self.name}: ended with status {code}; its standard error is in {self.log.name}")
        return text.strip()

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / HERTZ

    def batch(self, repetitions):
        """Runs a batch. Returns (median in ms, cores that others kept busy meanwhile)."""
        machine, own, start = machine_seconds(), self.cpu_seconds(), time.monotonic()
        try:
            self.process.stdin.write(f"{repetitions}\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise PeerError(f"{self.name}: ended between batches; its standard error is in {self.log.name}") from error
        text = self.line(BATCH_SECONDS)
        others = (machine_seconds() - machine - (self.cpu_seconds() - own)) / (time.monotonic() - start)
        try:
            return float(text), max(0.0, others)
        except ValueError as error:
            raise PeerError(f"{self.name}: printed {text!r} instead of milliseconds") from error

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()


def wait_quiet(limit, seconds):
    """Waits until others keep fewer than `limit` cores busy, for at most `seconds`."""
    end = time.monotonic() + seconds
    while True:
        before = machine_seconds()
        time.sleep(0.25)
        if (machine_seconds() - before) / 0.25 <= limit or time.monotonic() > end:
            return


class Samples:
    """The batches of one process: those in quiet, or, if there are none, the quietest."""

    def __init__(self):
        self.quiet, self.noisy = [], []

    def add(self, milliseconds, others, limit):
        (self.quiet if others <= limit else self.noisy).append((others, milliseconds))

    def median(self):
        """(median of the batches' medians in ms, whether they were quiet). At least one batch was added."""
        values = sorted(ms for _, ms in self.quiet or sorted(self.noisy)[: max(1, len(self.noisy) // 3)])
        middle = len(values) // 2
        return (values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2), bool(self.quiet)


def take_batch(process, samples, repetitions, limit, patience):
    """One batch; when others disturbed it, up to two more."""
    process.batch(1)
    for _ in range(3):
        wait_quiet(limit, patience)
        milliseconds, others = process.batch(repetitions)
        samples.add(milliseconds, others, limit)
        if others <= limit:
            return


def alternate(processes, rounds, repetitions, limit, patience, report):
    """Lets the processes take turns, `rounds` batches each. One that fails is given to `report` and left out. Returns name -> Samples."""
    samples = {p.name: Samples() for p in processes}
    for turn in range(rounds):
        shift = turn % max(1, len(processes))
        for process in processes[shift:] + processes[:shift]:
            try:
                take_batch(process, samples[process.name], repetitions, limit, patience)
            except PeerError as error:
                report(error)
                del samples[process.name]
                processes = [p for p in processes if p is not process]
    return samples
