"""Times danhba as whole processes against vobject and cp on the same files, in one run.

Usage: python benchmarks/speed.py [--cards 100000] [--runs 3] [--big 1000000] [--write]

vobject reads the file and writes it again, which is the least any tool built on it must do; it is
timed once, the others several times, and the median counts. `--big` runs a file of so many cards
for memory and linearity (0: not). `--write` puts the results into docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import book

_VOBJECT = """
import sys, vobject
with open(sys.argv[1], encoding="utf-8", newline="") as source, open(sys.argv[2], "w") as target:
    for card in vobject.readComponents(source):
        target.write(card.serialize())
"""
_DOC = Path(__file__).parents[1] / "docs" / "performance.md"
_MARK = "<!-- results -->"
GOOGLE_S = 25.0
"""Seconds Google's phone number migrator needs for 100,000 bare numbers (measured 2026-11)."""


class Timing(NamedTuple):
    """One whole process."""

    seconds: float
    cpu: float
    peak_mb: float


def run(command: list[str], state: Path, stdin: Path | None = None) -> Timing:
    """Run a command to its end; its output is thrown away."""
    environment = {**os.environ, "DANHBA_STATE_DIR": str(state)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    source = stdin.open("rb") if stdin else None
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"{command}: ended with status {status}")
    process.returncode = 0
    return Timing(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(command: list[str], state: Path, runs: int, stdin: Path | None = None) -> Timing:
    """Run a command once to warm up, then several times; return the run of median time."""
    run(command, state, stdin)
    timings = [run(command, state, stdin) for _ in range(runs)]
    middle = statistics.median_low(timing.seconds for timing in timings)
    return next(timing for timing in timings if timing.seconds == middle)


def danhba(*arguments: str) -> list[str]:
    """Return a command line of danhba in this interpreter's environment."""
    return [str(Path(sys.executable).with_name("danhba")), *arguments]


def measure(cards: int, runs: int, big: int, folder: Path) -> list[tuple[str, str, str]]:
    """Return rows of what was measured, the figure, and the bar."""
    state, out = folder / "state", str(folder / "out.vcf")
    stale, current, converted = (folder / f"{n}.vcf" for n in ("stale", "current", "converted"))
    book.write_book(stale, cards, current=False)
    book.write_book(current, cards, current=True)
    size = stale.stat().st_size
    rows = [("file", f"{cards:,} cards, {size / 1e6:.0f} MB", "")]
    vobject = run([sys.executable, "-c", _VOBJECT, str(stale), out], state)
    rows.append(("vobject read + write", _rate(vobject, cards), ""))
    rows.append(("cp", _rate(median(["cp", str(stale), out], state, runs), cards), ""))
    run(danhba("convert", str(stale), "-o", str(converted)), state)
    for name, path, bar in (
        ("danhba convert -o, 40 % of numbers stale", stale, "at least 60 x vobject"),
        ("danhba convert -o, only current numbers", current, "at least 120 x vobject"),
        ("danhba convert -o, the converted file", converted, "none"),
    ):
        timing = median(danhba("convert", str(path), "-o", out), state, runs)
        times = vobject.seconds / timing.seconds
        rows.append((name, f"{_rate(timing, cards)}: {times:.0f} x vobject", bar))
        if path is stale:
            first = timing
    if big:
        large = folder / "large.vcf"
        book.write_book(large, big, current=False)
        timing = run(danhba("convert", str(large), "-o", out), state)
        longer = timing.seconds / first.seconds
        rows.append((f"danhba convert -o, {big:,} cards", _rate(timing, big), "under 150 MB"))
        rows.append(
            (f"its time for {big / cards:.0f} times the cards", f"{longer:.1f} x", "11 x for 10")
        )
    rows.append(_numbers(state, runs, folder))
    return rows


def _numbers(state: Path, runs: int, folder: Path) -> tuple[str, str, str]:
    lines = folder / "numbers.txt"
    dice = random.Random(book.SEED)
    numbers = (f"+84{book.stale_number(dice)[1:]}\n" for _ in range(100_000))
    lines.write_text("".join(numbers), encoding="ascii")
    timing = median(danhba("number"), state, runs, stdin=lines)
    figure = f"{timing.seconds:.2f} s: {GOOGLE_S / timing.seconds:.0f} x Google's migrator"
    return "danhba number, 100,000 lines", figure, "at least 10 x"


def _rate(timing: Timing, cards: int) -> str:
    rate = cards / timing.seconds
    return f"{timing.seconds:.2f} s, {rate:,.0f} cards/s, peak {timing.peak_mb:.0f} MB"


def main() -> None:
    """Measure, print, and write the results down when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--big", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true", help="put the results into the docs")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(given.cards, given.runs, given.big, Path(folder))
    table = ["| measured | figure | bar |", "| --- | --- | --- |"]
    table += [f"| {' | '.join(row)} |" for row in rows]
    print("\n".join(table))
    if given.write:
        head = _DOC.read_text(encoding="utf-8").partition(_MARK)[0]
        where = (
            f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.machine()}"
        )
        text = "\n".join(
            [head + _MARK, "", f"{where}, {time.strftime('%Y-%m-%d')}:", "", *table, ""]
        )
        _DOC.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
