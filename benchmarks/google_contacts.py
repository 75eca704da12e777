"""Times danhba against the bare client library of Google, with the same calls, in one run.

Usage: python benchmarks/google_contacts.py [--contacts 50000] [--runs 5] [--latency-ms 0]

Both read all contacts from a local People API (in a process of its own), write two fifths of them,
and read those back. The bare library knows beforehand what to write; danhba finds out, keeps a diff
log that can be undone, and remembers what it saw. `--latency-ms` delays each answer: Google takes
some hundreds of milliseconds, this server some tens.

All are whole processes, from their start to their end; danhba is its own command. They send the
same bodies, take compressed answers, and take turns. danhba's command goes without Python's garbage
collection; the bare library is measured with it, as Python comes, and without. Each round gives a
share of the throughput of either; the medians count.

This file is not called google.py: a script's own folder is where Python looks for a package first.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
USER = "an@corp.example"
BARE, BARE_NO_GC, DANHBA = "bare library", "bare library without gc", "danhba"
OLD, NEW = "0168 ", "038 "
_FIELDS = "addresses,imClients,metadata,names,organizations,phoneNumbers"
_MADE_BY_GOOGLE = ("canonicalForm", "formattedType")
_CONVERT = ("convert", "here", "--write", "--country=VN", "--today=2026-11-22")
_COMMAND = "from danhba.cli import main; main()"
_SCOPE = "https://www.googleapis.com/auth/contacts"


class Timing(NamedTuple):
    """One process from start to end: how long, its processor time, its peak memory."""

    seconds: float
    cpu_s: float
    peak_mb: float


def serve(contacts: int, latency_s: float, folder: Path) -> None:
    """Run the server; say where it is, and what it counted when standard input closes."""
    import gc

    sys.path.insert(0, str(ROOT))
    from tests.people import PeopleApi

    gc.disable()  # a pause of half a second now and then is no part of what is measured
    with PeopleApi(USER) as api:
        api.latency_s = latency_s
        account = api.accounts[USER]
        for i in range(contacts):
            old = f"{OLD}{i % 1000:03} {i * 7 % 10000:04}"
            numbers = [(old if i % 5 < 2 else f"0912 345 {i % 1000:03}", "mobile")]
            if i % 3 == 0:
                numbers.append((f"028 3812 {i % 10000:04}", "work"))
            account.add(
                f"Nguyễn Văn {i}", numbers,
                organizations=[{"name": "Công ty Thử nghiệm", "title": "Kế toán"}],
                addresses=[{"city": "Hà Nội", "streetAddress": f"{i} Lê Lợi", "countryCode": "VN"}],
            )  # fmt: skip
        key = folder / "key.json"
        key.write_text(json.dumps(api.tokens.service_account(api.url)), encoding="utf-8")
        print(json.dumps({"url": api.url, "key": str(key)}), flush=True)
        before = time.process_time()
        sys.stdin.read()
        cpu_s = round(time.process_time() - before, 2)
        left = sum(OLD in number for of in account.numbers().values() for number in of)
        counted = {"calls": api.calls, "left": left, "overlaps": api.overlaps, "cpu_s": cpu_s}
        print(json.dumps(counted), flush=True)


def bare(url: str, key: str, collecting: str) -> None:
    """Read, write and read back with the client library alone."""
    import gc

    import httplib2
    from google.oauth2.service_account import Credentials
    from google_auth_httplib2 import AuthorizedHttp
    from googleapiclient.discovery import build

    if not collecting:
        gc.disable()
    credentials = Credentials.from_service_account_file(key, scopes=[_SCOPE], subject=USER)
    http = AuthorizedHttp(credentials, http=httplib2.Http())
    service = build(
        "people", "v1", http=http, static_discovery=True, client_options={"api_endpoint": url}
    )
    people, stale = service.people(), []
    request = people.connections().list(
        resourceName="people/me", personFields=_FIELDS, pageSize=1000, requestSyncToken=True
    )
    while request:
        page = request.execute()
        stale += [p for p in page["connections"] if OLD in p["phoneNumbers"][0]["value"]]
        request = people.connections().list_next(request, page)
    for start in range(0, len(stale), 200):
        batch = stale[start : start + 200]
        sent = {person["resourceName"]: _changed(person) for person in batch}
        body = {
            "contacts": sent, "updateMask": "phoneNumbers", "readMask": "metadata,phoneNumbers",
        }  # fmt: skip
        people.batchUpdateContacts(body=body).execute()
        people.getBatchGet(resourceNames=list(sent), personFields=_FIELDS).execute()


def _changed(person: dict[str, Any]) -> dict[str, Any]:
    """Return what is sent of a person, with its first number converted."""
    phones = [
        {name: value for name, value in phone.items() if name not in _MADE_BY_GOOGLE}
        for phone in person["phoneNumbers"]
    ]
    phones[0]["value"] = phones[0]["value"].replace(OLD, NEW)
    sources = [
        {"type": source["type"], "id": source["id"], "etag": source["etag"]}
        for source in person["metadata"]["sources"]
    ]
    return {
        "resourceName": person["resourceName"], "etag": person["etag"],
        "metadata": {"sources": sources}, "phoneNumbers": phones,
    }  # fmt: skip


def measure(what: str, contacts: int, latency_ms: float) -> tuple[Timing, dict[str, Any]]:
    """Start a server, run one of the two against it, and return what was measured and counted."""
    me = [sys.executable, __file__]
    pipe = subprocess.PIPE
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [*me, "--serve", folder, f"--contacts={contacts}", f"--latency-ms={latency_ms}"],
            stdin=pipe,
            stdout=pipe,
            text=True,
        )
        assert server.stdin
        assert server.stdout
        where = json.loads(server.stdout.readline())
        clients = {
            BARE: [*me, "--bare", where["url"], where["key"], "collecting"],
            BARE_NO_GC: [*me, "--bare", where["url"], where["key"], ""],
            DANHBA: [sys.executable, "-c", _COMMAND, *_CONVERT],
        }
        timing, status = _timed(clients[what], _environment(Path(folder), where))
        server.stdin.close()
        counted: dict[str, Any] = json.loads(server.stdout.read())
        server.wait()
    if status:
        raise SystemExit(f"{what}: ended with status {status}")
    return timing, counted


def _environment(folder: Path, where: dict[str, str]) -> dict[str, str]:
    """Return what both processes are told; danhba finds its state and its settings there."""
    config = folder / "danhba.toml"
    config.write_text(
        f'[source.here]\ntype = "google"\nusers = ["{USER}"]\nendpoint = "{where["url"]}"\n'
        f'service_account = "{where["key"]}"\n'
    )
    found = {**os.environ, "DANHBA_STATE_DIR": str(folder / "state"), "DANHBA_CONFIG": str(config)}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    return found


def _timed(command: list[str], environment: dict[str, str]) -> tuple[Timing, int]:
    """Run a process to its end; return what it took, and its exit status."""
    began = time.perf_counter()
    quiet = subprocess.DEVNULL
    client = subprocess.Popen(command, stdout=quiet, stderr=quiet, env=environment)
    _, status, usage = os.wait4(client.pid, 0)
    seconds = time.perf_counter() - began
    client.returncode = status
    return Timing(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024), status


def main() -> None:
    """Measure, check what the server counted, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--latency-ms", type=float, default=0.0, help="how late each answer is")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--bare", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.contacts, given.latency_ms / 1000, given.serve)
    elif given.bare:
        bare(*given.bare)
    else:
        compare(given.contacts, given.runs, given.latency_ms)


def compare(contacts: int, runs: int, latency_ms: float) -> None:
    """Run all in turn, in another order each time; print the medians."""
    order = [BARE, DANHBA, BARE_NO_GC]
    timings: dict[str, list[Timing]] = {what: [] for what in order}
    for turn in range(runs):
        for what in order[turn % 3 :] + order[: turn % 3]:
            timing, counted = measure(what, contacts, latency_ms)
            assert not counted["left"]
            assert not counted["overlaps"]
            timings[what].append(timing)
            print(
                f"{what}: {timing.seconds:.2f} s, processor {timing.cpu_s:.2f} s"
                f" (server {counted['cpu_s']:.2f} s), peak {timing.peak_mb:.0f} MB,"
                f" {counted['calls']}",
                flush=True,
            )
    print(
        f"{contacts:,} contacts, {contacts * 2 // 5:,} written, latency {latency_ms:g} ms,"
        f" medians of {runs}:"
    )
    for what, of_one in timings.items():
        seconds = statistics.median(timing.seconds for timing in of_one)
        cpu_s = statistics.median(timing.cpu_s for timing in of_one)
        peak_mb = max(timing.peak_mb for timing in of_one)
        print(f"- {what}: {seconds:.2f} s, processor {cpu_s:.2f} s, peak {peak_mb:.0f} MB")
    for what in (BARE, BARE_NO_GC):
        pairs = zip(timings[what], timings[DANHBA], strict=True)
        shares = [bare.seconds / ours.seconds for bare, ours in pairs]
        print(
            f"- danhba reaches {statistics.median(shares):.0%} of the throughput of the {what}"
            f" ({min(shares):.0%} to {max(shares):.0%})"
        )
    print("Bars: 80 % of the throughput of the bare library, peak below 400 MB")


if __name__ == "__main__":
    main()
