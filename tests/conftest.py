"""Settings that all tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

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
