"""The example of a company's server runs, on a real one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.dav_servers import PASSWORD, USER

from danhba import config
from tests import dav_servers

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "company-server"


def test_file_of_the_example_is_right() -> None:
    found = config.load(EXAMPLE / "danhba.toml")
    assert list(found.sources) == ["sales", "head-office"]


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")
def test_script_of_the_example_runs(tmp_path: Path, state_dir: Path) -> None:
    pytest.importorskip("radicale")
    (tmp_path / "server").mkdir()
    with dav_servers.radicale(tmp_path / "server") as server:
        for name in ("Customers", "Suppliers"):
            book = server.make_book(name)
            card = (
                f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{name}\r\nFN:An\r\nN:An;;;;\r\n"
                "TEL:0168 123 4567\r\nEND:VCARD\r\n"
            )
            server.put(f"{book}an.vcf", card.encode())
        text = (EXAMPLE / "danhba.toml").read_text()
        assert tomllib.loads(text)["source"]["sales"]["location"] == "sales@dav.example.com"
        text = text.replace("sales@dav.example.com", f"{USER}@127.0.0.1:{server.port}")
        text = re.sub('"carddav\\+https"', '"carddav+http"', text, count=1)
        (tmp_path / "danhba.toml").write_text(text)
        launcher = tmp_path / "danhba"
        launcher.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -c "from danhba.cli import main; main()" "$@"\n'
        )
        launcher.chmod(0o755)
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        roots = os.pathsep.join(str(ROOT / name) for name in ("core", "syncers"))
        environment = {
            **os.environ, "PATH": path, "PYTHONPATH": roots, "SALES_PASSWORD": PASSWORD,
            "DANHBA_LANG": "en",
        }  # fmt: skip
        done = subprocess.run(
            ["sh", str(EXAMPLE / "convert.sh"), "sales"],
            cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "2 cards written" in done.stdout
        assert b"TEL:038 123 4567" in server.get(f"{book}an.vcf")
