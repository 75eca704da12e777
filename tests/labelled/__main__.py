"""Prints how danhba does on the labelled cards, class by class: python -m tests.labelled [--all].

The table stands in docs/evidence.md; with --all every class is split.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.labelled.verdicts import judge, labelled, scores, table

if __name__ == "__main__":
    cards = labelled()
    with TemporaryDirectory() as folder:
        found = judge(cards, Path(folder))
    for line in table(scores(cards, found, split="--all" in sys.argv)):
        print(line)
    for one in found:
        if not one.right:
            print(f"\n{one}")
