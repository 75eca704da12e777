"""What a probe found out about a server is kept, per server, until the next probe."""

from pathlib import Path

from danhba.state import State


def test_findings_are_kept_per_server_and_replaced_as_a_whole(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    assert state.findings("https://a.example") == {}
    assert not (tmp_path / "state").exists()
    state.remember_findings("https://a.example", {"if-match": "honoured", "loses": "a b"})
    state.remember_findings("https://b.example", {"if-match": "ignored"})
    state.close()
    later = State(tmp_path / "state")
    assert later.findings("https://a.example") == {"if-match": "honoured", "loses": "a b"}
    later.remember_findings("https://a.example", {"if-match": "ignored"})
    assert later.findings("https://a.example") == {"if-match": "ignored"}
    assert later.findings("https://b.example") == {"if-match": "ignored"}
    later.close()
