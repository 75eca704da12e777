"""What danhba remembers between runs: answers, its own writes, the logs of each source.

One SQLite file in the state folder, mode 0600 in a folder of 0700. The logs lie beside it, and a
lock per source keeps a second run out.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from danhba.errors import DanhbaError, LockedError
from danhba.evidence import Earlier, day_of
from danhba.private import make_private

if TYPE_CHECKING:
    import sqlite3

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answer (
    source TEXT, ref TEXT, key TEXT, answer TEXT, PRIMARY KEY (source, ref, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS written (
    source TEXT, ref TEXT, version TEXT, date TEXT, ours TEXT, renumbered TEXT DEFAULT '',
    PRIMARY KEY (source, ref)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log (
    source TEXT, path TEXT PRIMARY KEY, finished INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS followed (
    source TEXT PRIMARY KEY, key TEXT, token TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS share (id INTEGER PRIMARY KEY, text TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS seen (
    source TEXT, ref TEXT, version TEXT, share INTEGER, pending INTEGER, PRIMARY KEY (source, ref)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS finding (
    server TEXT, trait TEXT, value TEXT, PRIMARY KEY (server, trait)
) WITHOUT ROWID;
"""


class Written(NamedTuple):
    """A card we wrote.

    Attributes:
        ref: Its ref before.
        ref_after: Its ref after.
        version: Its version after.
        date: Its own date before, RFC 3339; empty when unknown.
        values: The phone values we wrote.
        version_before: Its version before.
        renumbered: Those of the values that were old numbers.
    """

    ref: str
    ref_after: str
    version: str
    date: str
    values: tuple[str, ...]
    version_before: str = ""
    renumbered: tuple[str, ...] = ()


def earlier_of(row: Written) -> Earlier:
    """Return what the converter is told of a card we wrote."""
    day = day_of(datetime.fromisoformat(row.date)) if row.date else None
    return Earlier(row.version, day, frozenset(row.values), frozenset(row.renumbered))


def _split(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split("\n")))


def _follow(connection: sqlite3.Connection, table: str, source: str, row: Written) -> None:
    """Let what is kept of a card follow it to its new ref."""
    if row.ref_after != row.ref:
        connection.execute(
            f"UPDATE OR REPLACE {table} SET ref = ? WHERE source = ? AND ref = ?",  # noqa: S608 - one of two names
            (row.ref_after, source, row.ref),
        )


def _add_missing_columns(connection: sqlite3.Connection) -> None:
    """Add what a file of an earlier danhba does not have."""
    columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(written)")}
    if "renumbered" not in columns:
        connection.execute("ALTER TABLE written ADD COLUMN renumbered TEXT DEFAULT ''")


class Seen(NamedTuple):
    """A card of a followed source, as it was last seen.

    Attributes:
        ref: Its ref.
        version: Its version.
        share: What it adds to the sums of the book, as a text; few texts are different.
        pending: Whether something remains to be done or asked: it is read again in every run.
    """

    ref: str
    version: str
    share: str
    pending: bool


class Followed(NamedTuple):
    """What is known of a source whose changes can be followed.

    Attributes:
        token: The syncer's token of the last run.
        known: ref -> version of every card.
        pending: Refs of the cards that are read again.
    """

    token: str
    known: dict[str, str]
    pending: list[str]


class State:
    """The memory of danhba; opened lazily, so that a run that needs none makes none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._connection: sqlite3.Connection | None = None

    @property
    def logs(self) -> Path:
        """The folder of the diff logs."""
        return self.folder / "logs"

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            import sqlite3

            make_private(self.folder)
            path = self.folder / "state.sqlite3"
            try:
                path.touch(mode=0o600, exist_ok=True)
                self._connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
                weakref.finalize(self, self._connection.close)
                self._connection.executescript("PRAGMA journal_mode=WAL;" + _SCHEMA)
                _add_missing_columns(self._connection)
            except (OSError, sqlite3.Error) as error:
                raise DanhbaError(
                    f"{path}: cannot be used: {error}. Give another folder in DANHBA_STATE_DIR."
                ) from error
        return self._connection

    def _exists(self) -> bool:
        return self._connection is not None or (self.folder / "state.sqlite3").exists()

    def close(self) -> None:
        """Close the file; it may be opened again."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def answers(self, source: str) -> dict[tuple[str, str], str]:
        """Return what a person answered for a source: (ref, key of the question) -> answer."""
        if not self._exists():
            return {}
        rows = self._open().execute(
            "SELECT ref, key, answer FROM answer WHERE source = ?", (source,)
        )
        return {(ref, key): answer for ref, key, answer in rows}

    def remember_answers(self, source: str, answers: Iterable[tuple[str, str, str]]) -> None:
        """Keep answers (ref, key, answer); an empty answer takes an earlier one back."""
        with self._open() as connection:
            for ref, key, answer in answers:
                where = (source, ref, key)
                if answer:
                    connection.execute(
                        "INSERT OR REPLACE INTO answer VALUES (?,?,?,?)", (*where, answer)
                    )
                else:
                    connection.execute(
                        "DELETE FROM answer WHERE source = ? AND ref = ? AND key = ?", where
                    )

    def forget_answers(self, source: str) -> int:
        """Forget answers, own writes and sync token of a source; return how many answers."""
        with self._open() as connection:
            for table in ("written", "followed", "seen"):
                connection.execute(f"DELETE FROM {table} WHERE source = ?", (source,))  # noqa: S608
            return connection.execute("DELETE FROM answer WHERE source = ?", (source,)).rowcount

    def ledger(self, source: str) -> dict[str, Earlier]:
        """Return what the cards of a source were before we wrote them, by ref."""
        if not self._exists():
            return {}
        rows = self._open().execute(
            "SELECT ref, version, date, ours, renumbered FROM written WHERE source = ?", (source,)
        )
        return {
            ref: earlier_of(Written(ref, ref, version, day, _split(ours), "", _split(old)))
            for ref, version, day, ours, old in rows
        }

    def remember_written(
        self, source: str, rows: Iterable[Written], seen: Iterable[Seen] = ()
    ) -> None:
        """Keep what cards were before we wrote them; answers follow a card to its new ref.

        See `Earlier.then` for a card that we had written before.

        Args:
            source: The source.
            rows: The cards.
            seen: What became of them, where the source is followed.
        """
        with self._open() as connection:
            for row in rows:
                ours, renumbered = "\n".join(row.values), "\n".join(row.renumbered)
                for table in ("answer", "written"):
                    _follow(connection, table, source, row)
                connection.execute(
                    "INSERT INTO written VALUES (?1,?2,?3,?4,?5,?7) ON CONFLICT DO UPDATE SET"
                    " version = ?3, ours = ours || char(10) || ?5,"
                    " renumbered = renumbered || char(10) || ?7,"
                    " date = CASE version WHEN ?6 THEN date ELSE ?4 END",
                    (
                        source,
                        row.ref_after,
                        row.version,
                        row.date,
                        ours,
                        row.version_before,
                        renumbered,
                    ),
                )
            self._keep_seen(connection, source, seen)

    def remember_undone(self, source: str, rows: Iterable[Written]) -> None:
        """Keep that we took values back out of cards; they are not ours any more.

        Args:
            source: The source.
            rows: The cards, with the values that were taken back; their date stays as it is kept.
        """
        with self._open() as connection:
            for row in rows:
                where = (source, row.ref)
                found = connection.execute(
                    "DELETE FROM written WHERE source = ? AND ref = ?"
                    " RETURNING date, ours, renumbered",
                    where,
                ).fetchone()
                date, *texts = found or ("", "", "")
                ours, old = (
                    "\n".join(value for value in _split(text) if value not in row.values)
                    for text in texts
                )
                if ours:
                    connection.execute(
                        "INSERT OR REPLACE INTO written VALUES (?,?,?,?,?,?)",
                        (source, row.ref_after, row.version, date, ours, old),
                    )
                _follow(connection, "answer", source, row)

    def followed(self, source: str, key: str) -> Followed | None:
        """Return what is known of a source; None when nothing is, or it belongs to another key.

        Args:
            source: The source.
            key: Names all that the sums and verdicts rest on: packs, country, steps.
        """
        token = self._token(source, key)
        if token is None:
            return None
        cards = self._open().execute(
            "SELECT ref, version, pending FROM seen WHERE source = ?", (source,)
        )
        seen = cards.fetchall()
        known = {ref: version for ref, version, _ in seen}
        return Followed(token, known, [ref for ref, _, pending in seen if pending])

    def follows(self, source: str, key: str) -> bool:
        """Say whether anything is known of a source under that key."""
        return self._token(source, key) is not None

    def _token(self, source: str, key: str) -> str | None:
        if not self._exists():
            return None
        rows = self._open().execute(
            "SELECT token FROM followed WHERE source = ? AND key = ?", (source, key)
        )
        found = rows.fetchone()
        return found[0] if found else None

    def follow(
        self,
        source: str,
        key: str,
        token: str,
        seen: Iterable[Seen],
        gone: Iterable[str],
        *,
        fresh: bool,
    ) -> None:
        """Keep a token together with the cards it was given for, all or nothing.

        Args:
            source: The source.
            key: What the sums and verdicts rest on.
            token: The syncer's token.
            seen: Cards that are new or changed.
            gone: Refs of cards that are not there any more.
            fresh: Whether `seen` are all cards of the source.
        """
        with self._open() as connection:
            if fresh:
                connection.execute("DELETE FROM seen WHERE source = ?", (source,))
            self._keep_seen(connection, source, seen)
            connection.executemany(
                "DELETE FROM seen WHERE source = ? AND ref = ?", ((source, ref) for ref in gone)
            )
            connection.execute(
                "INSERT OR REPLACE INTO followed VALUES (?,?,?)", (source, key, token)
            )

    def _keep_seen(self, connection: sqlite3.Connection, source: str, seen: Iterable[Seen]) -> None:
        shares: dict[str, int] = {}

        def row(card: Seen) -> tuple[str, str, str, int, bool]:
            if card.share not in shares:
                connection.execute("INSERT OR IGNORE INTO share (text) VALUES (?)", (card.share,))
                rows = connection.execute("SELECT id FROM share WHERE text = ?", (card.share,))
                shares[card.share] = rows.fetchone()[0]
            return source, card.ref, card.version, shares[card.share], card.pending

        connection.executemany("INSERT OR REPLACE INTO seen VALUES (?,?,?,?,?)", map(row, seen))

    def shares(self, source: str) -> list[tuple[str, int]]:
        """Return what the cards of a followed source add to its sums, each with how many do."""
        rows = self._open().execute(
            "SELECT text, count(*) FROM seen JOIN share ON share.id = seen.share"
            " WHERE source = ? GROUP BY text", (source,)
        )  # fmt: skip
        return rows.fetchall()

    def findings(self, server: str) -> dict[str, str]:
        """Return what the last probe of a server found out: trait -> value."""
        if not self._exists():
            return {}
        rows = self._open().execute("SELECT trait, value FROM finding WHERE server = ?", (server,))
        return dict(rows.fetchall())

    def remember_findings(self, server: str, findings: Mapping[str, str]) -> None:
        """Keep what a probe found out about a server, in place of what an earlier one did."""
        with self._open() as connection:
            connection.execute("DELETE FROM finding WHERE server = ?", (server,))
            connection.executemany(
                "INSERT INTO finding VALUES (?,?,?)",
                ((server, trait, value) for trait, value in findings.items()),
            )

    def log_began(self, source: str, path: Path) -> None:
        """Remember that a log of the source holds intents that may need settling."""
        with self._open() as connection:
            connection.execute("INSERT OR REPLACE INTO log VALUES (?,?,0)", (source, str(path)))

    def log_finished(self, path: Path) -> None:
        """Remember that every intent of the log has its outcome."""
        with self._open() as connection:
            connection.execute("UPDATE log SET finished = 1 WHERE path = ?", (str(path),))

    def unfinished_logs(self, source: str) -> list[Path]:
        """Return the logs of the source that a crash left unsettled and that are still there."""
        if not self._exists():
            return []
        rows = self._open().execute(
            "SELECT path FROM log WHERE source = ? AND finished = 0", (source,)
        )
        return [path for (name,) in rows if (path := Path(name)).exists()]

    @contextmanager
    def locked(self, source: str) -> Iterator[None]:
        """Hold the source for this run.

        Raises:
            LockedError: Another run holds it.
        """
        from filelock import FileLock, Timeout  # 60 ms, and only runs that write need it

        folder = self.folder / "locks"
        make_private(folder)
        name = hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        lock = FileLock(folder / f"{name}.lock", timeout=0, mode=0o600)
        try:
            with lock:
                yield
        except Timeout as error:
            raise LockedError(
                f"{source}: another run of danhba is working on it; wait until it ends"
            ) from error
