"""What docs/google.md says of settings and messages is what the syncer has."""

import re
from pathlib import Path

import msgspec

from danhba_syncers.google import GoogleOptions

PAGE = (Path(__file__).parents[2] / "docs" / "google.md").read_text(encoding="utf-8")


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
    fields = {field.name: field.default for field in msgspec.structs.fields(GoogleOptions)}
    assert rows.keys() == fields.keys()
    for name in ("side_by_side", "timeout_s"):
        assert rows[name].endswith(f"; {fields[name]:g}")
