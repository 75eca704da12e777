"""Makes address books for the benchmarks: the same seed, the same bytes.

Usage: python benchmarks/book.py CARDS FILE [--current]
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

SEED = 2018
STALE_SHARE = 0.4
"""Share of the numbers that are old forms with one reading."""

_FAMILIES = [
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng", "Bùi", "Đỗ",
    "Hồ", "Ngô", "Dương", "Lý",
]  # fmt: skip
_GIVEN = [
    "An", "Bình", "Chi", "Dũng", "Giang", "Hà", "Hải", "Hạnh", "Hiếu", "Hoa", "Hùng", "Khánh",
    "Lan", "Linh", "Long", "Mai", "Minh", "Nam",
]  # fmt: skip
_STREETS = ("Lê Lợi", "Trần Hưng Đạo", "Nguyễn Huệ", "Hai Bà Trưng", "Lý Thường Kiệt")
_CITIES = ("Hà Nội", "Đà Nẵng", "Cần Thơ", "Hải Phòng", "TP. Hồ Chí Minh")
_OLD_MOBILES = [
    "120", "121", "122", "123", "126", "128", "162", "163", "164", "165", "166", "167", "168",
    "169", "186", "188", "199",
]  # fmt: skip
_OLD_AREAS = ["511", "650", "320", "241", "710", "240", "280", "351", "781", "501"]
_LABELS = ("CELL", "WORK,VOICE", "HOME", "CELL;TYPE=pref")
_PHONES = (1, 1, 1, 2, 2, 2)
"""How many phones a card has: one as often as two, 1.5 on average."""


def stale_number(dice: random.Random) -> str:
    """Return an old number that can be read only one way, in national form."""
    kind = dice.random()
    if kind < 0.7:
        return f"0{dice.choice(_OLD_MOBILES)}{dice.randrange(10**7):07}"
    if kind < 0.85:
        return f"04{dice.choice('3567')}{dice.randrange(10**7):07}"
    return f"0{dice.choice(_OLD_AREAS)}3{dice.randrange(10**6):06}"


def current_number(dice: random.Random) -> str:
    """Return a number of today that has no old reading, in national form."""
    if dice.random() < 0.7:
        return f"09{dice.choice('0134678')}{dice.randrange(10**7):07}"  # 0992 was renumbered
    return f"02{dice.choice(('43', '46', '83', '36'))}{dice.randrange(10**7):07}"


def spelled(number: str, dice: random.Random) -> str:
    """Write a number the ways people do."""
    way = dice.random()
    if way < 0.4:
        return number
    if way < 0.6:
        return "+84" + number[1:]
    mark = " " if way < 0.8 else "."
    return mark.join((number[:4], number[4:7], number[7:]))


def cards(count: int, *, current: bool, seed: int = SEED) -> Iterator[str]:
    """Yield vCards 3.0 of about 440 bytes; where `current`, no number in them is old."""
    dice = random.Random(seed)
    for i in range(count):
        family, given = dice.choice(_FAMILIES), dice.choice(_GIVEN)
        phones = []
        for _ in range(dice.choice(_PHONES)):
            old = dice.random() < STALE_SHARE
            stale, today = stale_number(dice), current_number(dice)
            number = spelled(stale if old and not current else today, dice)
            phones.append(f"TEL;TYPE={dice.choice(_LABELS)}:{number}\r\n")
        yield (
            f"BEGIN:VCARD\r\nVERSION:3.0\r\nPRODID:-//Example Corp//Address Book 4.2//EN\r\n"
            f"UID:{dice.getrandbits(128):032x}\r\nN:{family};{given};Văn;;\r\n"
            f"FN:{family} Văn {given}\r\n"
            f"ORG:Công ty TNHH số {dice.randrange(9000)};Phòng Kinh doanh\r\n{''.join(phones)}"
            f"EMAIL;TYPE=INTERNET:khach{i}@example.vn\r\n"
            f"ADR;TYPE=WORK:;;{dice.randrange(400)} {dice.choice(_STREETS)};"
            f"{dice.choice(_CITIES)};;100000;Việt Nam\r\n"
            f"NOTE:Khách hàng từ năm {dice.randrange(2005, 2017)}\\, hợp đồng"
            f" {dice.randrange(10**5)}\r\n"
            f"REV:20{dice.randrange(10, 24)}0312T101500Z\r\nEND:VCARD\r\n"
        )


def write_book(path: Path, count: int, *, current: bool) -> None:
    """Write an address book of so many cards."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(cards(count, current=current))


def main() -> None:
    """Write a book from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cards", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--current", action="store_true", help="no old numbers")
    given = parser.parse_args()
    write_book(given.file, given.cards, current=given.current)


if __name__ == "__main__":
    main()
