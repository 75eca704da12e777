"""Settings that all tests share."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import settings
from tests.dav_servers import PASSWORD, Server

from tests import dav_servers

pytest.register_assert_rewrite("danhba.testing")

settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci")

_FOLDERS = {
    "HOME": "home",
    "USERPROFILE": "home",
    "APPDATA": "home/roaming",
    "LOCALAPPDATA": "home/local",
    "XDG_CACHE_HOME": "home/.cache",
    "XDG_CONFIG_HOME": "home/.config",
    "XDG_DATA_HOME": "home/.local/share",
    "XDG_STATE_HOME": "home/.local/state",
    "DANHBA_STATE_DIR": "state",
}


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own, in an empty home; neither exists before it is used."""
    for variable, folder in _FOLDERS.items():
        monkeypatch.setenv(variable, str(tmp_path / folder))
    return tmp_path / "state"


SERVERS: dict[str, Callable[[Path], AbstractContextManager[Server]]] = {
    "radicale": dav_servers.radicale,
    "xandikos": dav_servers.xandikos,
}


@pytest.fixture(scope="session", params=list(SERVERS))
def dav(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A real CardDAV server, started when the first test wants it; the test runs with each."""
    pytest.importorskip(request.param)
    with SERVERS[request.param](tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture
def dav_password(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the environment variable that holds the server's password."""
    monkeypatch.setenv("DAV_PASSWORD", PASSWORD)
    return "DAV_PASSWORD"
