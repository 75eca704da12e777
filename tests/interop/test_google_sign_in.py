"""Signing in to Google, against a local authorization page and token endpoint."""

import json
import stat
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.command import run
from tests.people.place import CONTACTS, READONLY, Place

from danhba.card import Edit, SetNumber
from danhba.errors import SyncerError, UsageError
from danhba.testing import NOW
from danhba_syncers.google import GoogleContacts

ME = "an@corp.example"


@pytest.fixture
def place(tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.delenv("DANHBA_GOOGLE_CLIENT_SECRETS", raising=False)
    place = Place(tmp_path / "place", ME, "binh@corp.example")
    with place.api:
        place.account.add("An", ["0168 123 4567"])
        yield place


def allow(url: str) -> str:
    """Be the person: say yes; return the address the browser is sent to."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    opener = urllib.request.build_opener(Stay)
    try:
        opener.open(url)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.headers["Location"]
    raise AssertionError("no redirect")


def paste(text: str) -> str:
    """Do what the prompt says; paste the whole address."""
    return allow(next(line for line in text.split("\n") if line.startswith("http")))


def signed_in(place: Place, **options: object) -> GoogleContacts:
    syncer = place.open(ME, client_secrets=str(place.client_secrets()), **options)
    assert syncer.login(headless=True, ask=paste) == ME
    return syncer


# --- a person -------------------------------------------------------------------------------------


def test_a_pasted_address_signs_in(place: Place) -> None:
    signed_in(place)
    (card,) = place.open(ME).read()
    assert card.phones[0].value == "0168 123 4567"
    assert place.api.tokens.seen == ["authorization_code", "refresh_token"]


def test_a_pasted_code_alone_signs_in(place: Place) -> None:
    syncer = place.open(ME, client_secrets=str(place.client_secrets()))
    syncer.login(headless=True, ask=lambda text: query(paste(text))["code"])
    assert len(list(syncer.read())) == 1


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_the_browser_comes_back_to_this_machine(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """$BROWSER is what `webbrowser` starts; this one says yes and follows the redirect."""
    script = tmp_path / "browser"
    script.write_text(
        "#!/usr/bin/env python3\nimport sys, urllib.request\nurllib.request.urlopen(sys.argv[1])\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{script} %s")
    monkeypatch.setenv("DANHBA_GOOGLE_CLIENT_SECRETS", str(place.client_secrets()))
    done = run("login", f"google:{ME}")
    assert (done.code, done.out) == (0, f"google:{ME}: signed in as {ME}\n".encode())
    assert "sign in as an@corp.example in the browser:\nhttp://127.0.0.1" in done.err
    assert len(list(place.open(ME).read())) == 1


def test_only_the_scope_that_is_needed_is_asked_for(place: Place) -> None:
    asked: list[str] = []

    def note(text: str) -> str:
        asked.append(
            query(next(line for line in text.split("\n") if line.startswith("http")))["scope"]
        )
        return paste(text)

    for read_only in (False, True):
        syncer = place.open(ME, client_secrets=str(place.client_secrets()), read_only=read_only)
        syncer.login(headless=True, ask=note)
    assert asked == [CONTACTS, READONLY]


def test_a_code_that_somebody_else_bought_is_refused(place: Place) -> None:
    """PKCE: the code is worth nothing without the verifier of this sign-in."""
    other: list[str] = []
    first = place.open(ME, client_secrets=str(place.client_secrets()))
    with pytest.raises(SyncerError, match="access was not allowed"):
        first.login(headless=True, ask=lambda text: other.append(paste(text)) or "")  # type: ignore[func-returns-value]
    code = query(other[0])["code"]
    with pytest.raises(SyncerError, match="Invalid code verifier"):
        first.login(headless=True, ask=lambda _: code)
    with pytest.raises(SyncerError, match="belongs to another sign-in"):
        first.login(headless=True, ask=lambda _: other[0])


def test_the_token_is_kept_where_only_its_owner_reads_it(place: Place, state_dir: Path) -> None:
    syncer = signed_in(place)
    (kept,) = (state_dir / "secrets").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert "refresh-" in kept.read_text()
    (account,) = syncer._accounts.values()
    assert "refresh-" not in repr(account.token())  # type: ignore[attr-defined]
    assert syncer.logout()
    assert not syncer.logout()
    assert not list((state_dir / "secrets").iterdir())


def test_a_revoked_sign_in_says_what_to_do(place: Place) -> None:
    syncer = signed_in(place)
    list(syncer.read())
    place.api.tokens.revoke(ME)
    for opened in (syncer, place.open(ME)):
        with pytest.raises(SyncerError, match=f"revoked .* danhba login google:{ME}"):
            list(opened.read())


def test_an_access_token_is_renewed_in_the_middle_of_a_run(place: Place) -> None:
    syncer = signed_in(place)
    (card,) = syncer.read()
    place.api.tokens.forget_access_tokens()
    raw = syncer.patch(card, [SetNumber("0", "0168 123 4567", "038 123 4567")], NOW)
    (outcome,) = syncer.write([Edit(card, raw)])
    assert outcome.status == "written"
    assert place.account.numbers() == {"people/c1": ["038 123 4567"]}
    assert place.api.sizes == [1]


def test_reading_alone_is_enough_for_a_dry_run(place: Place) -> None:
    place.api.tokens.grantable = frozenset({READONLY})
    syncer = signed_in(place, read_only=True)
    (card,) = syncer.read()
    assert place.api.calls["list"] == 1
    with pytest.raises(SyncerError, match="read_only is set"):
        list(syncer.write([Edit(card, card.raw)]))


def test_a_grant_of_reading_alone_stops_before_the_first_write(place: Place) -> None:
    """A person may untick a box; an admin may have allowed less."""
    pulled: list[Edit] = []
    for syncer in (place.personal(ME, [READONLY]), place.company(users=(ME,))):
        place.api.tokens.grantable = frozenset({READONLY})
        (card,) = syncer.read()
        edits = (pulled.append(edit) or edit for edit in [Edit(card, card.raw)])  # type: ignore[func-returns-value]
        with pytest.raises(SyncerError, match="only reading was granted"):
            list(syncer.write(edits))
    assert pulled == []
    assert place.api.calls["batchUpdateContacts"] == 0


def test_who_allows_nothing_is_not_signed_in(place: Place) -> None:
    place.api.tokens.grantable = frozenset()
    with pytest.raises(SyncerError, match="access to the contacts was not allowed"):
        signed_in(place)
    with pytest.raises(SyncerError, match="access was not allowed \\(access_denied\\)"):
        place.open(ME, client_secrets=str(place.client_secrets())).login(
            headless=True, ask=lambda _: "http://127.0.0.1:8399/?error=access_denied"
        )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is no JSON"),
        ("[]", "is no JSON object"),
        ('{"web": {"client_id": "x"}}', "not of a desktop app"),
        ('{"installed": {}}', "missing required field `client_id`"),
        ('{"installed": {"client_id": "x", "token_uri": "http://a.example/"}}', "https://"),
    ],
)
def test_a_wrong_file_of_client_secrets_is_named(place: Place, content: str, message: str) -> None:
    path = place.folder / "wrong.json"
    path.write_text(content)
    with pytest.raises((UsageError, SyncerError), match=message) as caught:
        place.open(ME, client_secrets=str(path)).login(headless=True, ask=paste)
    assert str(path) in str(caught.value)


# --- a company ------------------------------------------------------------------------------------


def test_a_service_account_acts_for_each_user(place: Place) -> None:
    place.api.accounts["binh@corp.example"].add("Bình", ["0912 345 678"])
    users = place.folder / "users.txt"
    users.write_text(
        "\ufeff# sales\nan@corp.example\n\n  Binh@corp.example # sales\nan@corp.example\n"
    )
    syncer = place.company(users=(), users_file=str(users))
    assert [card.ref for card in syncer.read()] == [
        f"{ME}/people/c1",
        "binh@corp.example/people/c1",
    ]
    assert len(set(place.api.tokens.seen)) == 1
    assert [(b.name, b.writable) for b in syncer.books()] == [
        (ME, True),
        ("binh@corp.example", True),
    ]


def test_a_user_who_is_not_there_does_not_stop_the_others(place: Place) -> None:
    syncer = place.company(users=("nobody@corp.example", ME))
    trouble, card = syncer.read()
    assert (trouble.ref, card.ref) == ("nobody@corp.example", f"{ME}/people/c1")
    assert "Google knows no such user" in trouble.trouble
    assert [book.writable for book in syncer.books()] == [None, True]


def test_delegation_that_is_missing_says_where_to_set_it(place: Place) -> None:
    place.api.tokens.grantable = frozenset()
    with pytest.raises(
        SyncerError, match="Domain-wide delegation, allow the client ID 1 the scope"
    ):
        list(place.company(users=(ME,)).read())


def test_a_service_account_needs_no_sign_in(place: Place) -> None:
    with pytest.raises(UsageError, match="needs no sign-in"):
        place.company().login(headless=True, ask=paste)


def test_a_company_in_danhba_toml_is_converted_and_undone_by_name(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log names the source by the domain, and finds the way back to the settings."""
    place.api.accounts["binh@corp.example"].add("Bình", ["0168 765 4321"])
    settings = tmp_path / "danhba.toml"
    settings.write_text(
        f"""
        [source.staff]
        type = "google"
        service_account = "{place.key_file()}"
        users = ["{ME}", "binh@corp.example"]
        endpoint = "{place.api.url}"
        """
    )
    monkeypatch.setenv("DANHBA_CONFIG", str(settings))
    before = [account.numbers() for account in place.api.accounts.values()]
    log = tmp_path / "log.jsonl"
    done = run("convert", "staff", "--write", "--log", log)
    assert (done.code, b"2 cards written" in done.out) == (0, True), done
    assert "2 contacts to write: about 1 writing and 1 reading calls" in done.err
    assert '"source":"google:corp.example"' in log.read_text()
    assert run("undo", log).code == 0
    assert [account.numbers() for account in place.api.accounts.values()] == before
    assert "needs no sign-in" in run("login", "staff").err
    monkeypatch.delenv("DANHBA_CONFIG")
    assert "No source of danhba.toml has users of this domain" in run("undo", log).err


@pytest.mark.parametrize(
    ("location", "options", "message"),
    [
        ("", {}, "whose contacts"),
        ("me", {}, "no address"),
        ("a@b@c", {}, "no address"),
        ("corp", {"users": ("a@corp.example", "b@corp.example")}, "need service_account"),
        ("corp", {"users_file": "no-such-file"}, "no-such-file: cannot be read"),
        (ME, {"service_account": "no-such-file"}, "no-such-file: No such file"),
        (ME, {"endpoint": "http://people.example/"}, "must be an https"),
        (ME, {"token_uri": "ftp://people.example/"}, "must be an https"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    location: str, options: dict[str, object], message: str, state_dir: Path
) -> None:
    with pytest.raises((UsageError, SyncerError), match=message):
        GoogleContacts(location, GoogleContacts.Options(**options))


def test_a_key_file_of_something_else_is_refused(place: Place) -> None:
    path = place.folder / "key.json"
    path.write_text(json.dumps({"type": "authorized_user"}))
    with pytest.raises(UsageError, match="is no key file of a service account"):
        GoogleContacts(ME, GoogleContacts.Options(service_account=str(path)))
