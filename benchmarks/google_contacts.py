"""Times danhba against the bare client library of Google, with the same calls, in one run.

Usage: python benchmarks/google_contacts.py [--contacts 50000] [--runs 3] [--latency-ms 0]

Both read all contacts from a local People API (in a process of its own), write two fifths of them,
and read those back. The bare library knows beforehand what to write; danhba finds out, keeps a diff
log that can be undone, and remembers what it saw. `--latency-ms` delays each answer: Google takes
some hundreds of milliseconds, this server some tens.

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
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
USER = "an@corp.example"
OLD, NEW = "0168 ", "038 "
_FIELDS = "addresses,imClients,metadata,names,organizations,phoneNumbers"
_SCOPE = "https://www.googleapis.com/auth/contacts"


class Timing(NamedTuple):
    """One process: how long it worked, its processor time from start to end, its peak memory."""

    seconds: float
    cpu_s: float
    peak_mb: float


def serve(contacts: int, latency_s: float, folder: Path) -> None:
    """Run the server; say where it is, and what it counted when standard input closes."""
    sys.path.insert(0, str(ROOT))
    from tests.people import PeopleApi

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
        sys.stdin.read()
        left = sum(OLD in number for of in account.numbers().values() for number in of)
        print(json.dumps({"calls": api.calls, "left": left, "overlaps": api.overlaps}), flush=True)


def bare(url: str, key: str) -> None:
    """Read, write and read back with the client library alone."""
    import httplib2
    from google.oauth2.service_account import Credentials
    from google_auth_httplib2 import AuthorizedHttp
    from googleapiclient.discovery import build

    credentials = Credentials.from_service_account_file(key, scopes=[_SCOPE], subject=USER)
    http = AuthorizedHttp(credentials, http=httplib2.Http())
    service = build(
        "people", "v1", http=http, static_discovery=True, client_options={"api_endpoint": url}
    )
    began = time.perf_counter()
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
        for person in batch:
            phone = person["phoneNumbers"][0]
            phone["value"] = phone["value"].replace(OLD, NEW)
        sent = {
            p["resourceName"]: {k: p[k] for k in ("etag", "metadata", "phoneNumbers")}
            for p in batch
        }
        body = {
            "contacts": sent, "updateMask": "phoneNumbers", "readMask": "metadata,phoneNumbers",
        }  # fmt: skip
        people.batchUpdateContacts(body=body).execute()
        people.getBatchGet(resourceNames=list(sent), personFields=_FIELDS).execute()
    print(time.perf_counter() - began)


def ours(url: str, key: str) -> None:
    """Convert in place, as `danhba convert --write` does."""
    import gc
    from datetime import UTC, date, datetime

    from danhba import packs, run
    from danhba.convert import Context
    from danhba.difflog import LogWriter
    from danhba.registry import open_source
    from danhba.state import State, state_folder

    gc.disable()
    syncer = open_source(f"google:{USER}", endpoint=url, service_account=key)
    began = time.perf_counter()
    state = State(state_folder())
    context = Context(packs.load("vn"), today=date(2026, 11, 22))
    job = run.Job(syncer, syncer.source, context, state, datetime.now(UTC))
    with LogWriter(state.logs / "run.jsonl") as log:
        _, result = run.convert_in_place(job, log)
    assert not result.problems, result.problems
    print(time.perf_counter() - began)


def measure(what: str, contacts: int, latency_ms: float) -> tuple[Timing, dict[str, object]]:
    """Start a server, run one of the two against it, and return what both say."""
    me = [sys.executable, __file__]
    pipe = subprocess.PIPE
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DANHBA_STATE_DIR": str(Path(folder, "state"))}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        server = subprocess.Popen(
            [*me, "--serve", folder, f"--contacts={contacts}", f"--latency-ms={latency_ms}"],
            stdin=pipe,
            stdout=pipe,
            text=True,
        )
        assert server.stdin
        assert server.stdout
        where = json.loads(server.stdout.readline())
        client = subprocess.Popen(
            [*me, "--do", what, where["url"], where["key"]],
            stdout=pipe, env=environment, text=True,
        )  # fmt: skip
        assert client.stdout
        said = client.stdout.read()
        _, status, usage = os.wait4(client.pid, 0)
        client.returncode = status
        server.stdin.close()
        counted = json.loads(server.stdout.read())
        server.wait()
    if status:
        raise SystemExit(f"{what}: ended with status {status}")
    cpu_s = usage.ru_utime + usage.ru_stime
    return Timing(float(said), cpu_s, usage.ru_maxrss / 1024), counted


def main() -> None:
    """Measure, check what the server counted, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--latency-ms", type=float, default=0.0, help="how late each answer is")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--do", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.contacts, given.latency_ms / 1000, given.serve)
    elif given.do:
        what, url, key = given.do
        {"bare": bare, "danhba": ours}[what](url, key)
    else:
        compare(given.contacts, given.runs, given.latency_ms)


def compare(contacts: int, runs: int, latency_ms: float) -> None:
    """Run both in turn, and print the medians."""
    seconds: dict[str, list[float]] = {"bare": [], "danhba": []}
    peaks: dict[str, float] = {}
    for _ in range(runs):
        for what, of_one in seconds.items():
            timing, counted = measure(what, contacts, latency_ms)
            of_one.append(timing.seconds)
            peaks[what] = max(peaks.get(what, 0), timing.peak_mb)
            print(
                f"{what}: {timing.seconds:.2f} s, processor {timing.cpu_s:.2f} s,"
                f" peak {timing.peak_mb:.0f} MB, {counted}"
            )
            assert not counted["left"]
            assert not counted["overlaps"]
    bare_s, danhba_s = (statistics.median(of_one) for of_one in seconds.values())
    print(
        f"{contacts:,} contacts, {contacts * 2 // 5:,} written, latency {latency_ms:g} ms:"
        f" bare library {bare_s:.2f} s,"
        f" danhba {danhba_s:.2f} s: {bare_s / danhba_s:.0%} of its throughput (bar: 80 %),"
        f" peak {peaks['danhba']:.0f} MB (bar: 400 MB)"
    )


if __name__ == "__main__":
    main()
