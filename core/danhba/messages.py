"""How does a message read in Vietnamese? Errors, troubles of cards and what became of them.

A message is written in English where it arises; so it stands in logs, and a plugin's does too. Here
is its Vietnamese, found by the English: what stands for `{source}` in the message is put for
`{source}` in the translation. `{why}` is a message itself. What is not known stays English.
"""

from __future__ import annotations

import re
from functools import cache

from danhba.texts import filled

_LONGEST = 1000
"""Characters of a message that is looked up; a longer one holds something else than our words."""
_ARGUMENT = re.compile(r"\\\{(\w+)\\\}")


def translated(text: str, language: str) -> str:
    """Return a message, which is English, in a language."""
    if language != "vi":
        return text
    if "\n" in text:
        return "\n".join(translated(line, language) for line in text.split("\n"))
    if len(text) > _LONGEST:
        return text
    for shape, vietnamese in shapes():
        if found := shape.fullmatch(text):
            args = found.groupdict()
            if "why" in args:
                args["why"] = translated(args["why"], language)
            return filled(vietnamese, args, language)
    return text


@cache
def shapes() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return what each known message looks like in English, and its Vietnamese."""
    return tuple(
        (re.compile(_ARGUMENT.sub(r"(?P<\1>.+?)", re.escape(english)), re.DOTALL), vietnamese)
        for english, vietnamese in _MESSAGES.items()
    )


# English -> Vietnamese; the first that fits is taken.
_MESSAGES: dict[str, str] = {
    # --- the command line ---------------------------------------------------------------------
    "stopped; run the same command again to go on": "đã dừng; chạy lại lệnh này để làm tiếp",
    "--write changes the source, -o leaves it alone: give one of them": (
        "--write sửa ngay nguồn, -o thì giữ nguyên nguồn: chỉ dùng một trong hai"
    ),
    "-o and --log take one source": "-o và --log chỉ dùng với một nguồn",
    "standard input cannot be changed in place; give -o FILE": (
        "không thể sửa tại chỗ đầu vào chuẩn; hãy thêm -o FILE"
    ),
    "{target}: is the source itself; use --write to change it in place": (
        "{target}: chính là nguồn; dùng --write để sửa tại chỗ"
    ),
    "{source}: cannot be copied with -o; use --write": (
        "{source}: không sao chép được bằng -o; hãy dùng --write"
    ),
    "a folder cannot be written to standard output; give -o a folder": (
        "không thể ghi cả thư mục ra đầu ra chuẩn; hãy cho -o một thư mục"
    ),
    "--country {code}: no such country; give two letters, as in VN or AU": (
        "--country {code}: không có nước này; hãy ghi hai chữ cái, như VN hoặc AU"
    ),
    "{source}: no phone can be added there; use --policy replace or wait": (
        "{source}: không thêm được số ở đó; hãy dùng --policy replace hoặc wait"
    ),
    "{file}: cannot be written: {error}": "{file}: không ghi được: {error}",
    "written: {file}": "đã ghi: {file}",
    "{folder}: the folder cannot be made: {error}": "{folder}: không tạo được thư mục: {error}",
    "{source}: not counted: {why}": "{source}: không đếm được: {why}",
    "not counted: {why}": "không đếm được: {why}",
    # --- answers ------------------------------------------------------------------------------
    "line 1: the columns must be {columns}": "dòng 1: các cột phải là {columns}",
    "line {line}: {why}": "dòng {line}: {why}",
    "{found} cells instead of {wanted}": "{found} ô thay vì {wanted}",
    "no such question in this log (ref, phone and key must stay)": (
        "nhật ký này không có câu hỏi đó (phải giữ nguyên ref, phone và key)"
    ),
    "{column} was altered; only the column answer may be": (
        "cột {column} đã bị sửa; chỉ được điền cột answer"
    ),
    "the answer {answer} is not keep, 1, 2 or a reading": (
        "câu trả lời {answer} không phải keep, 1, 2 hay một cách đọc"
    ),
    "contradicts the answer in line {other} to the same question": (
        "trái với câu trả lời ở dòng {other} cho cùng câu hỏi"
    ),
    # --- servers ------------------------------------------------------------------------------
    "the user {user} or the password is not accepted": (
        "người dùng {user} hoặc mật khẩu không được chấp nhận"
    ),
    "there is nothing at this address": "không có gì ở địa chỉ này",
    "try again later, or look into the server's log": (
        "hãy thử lại sau, hoặc xem nhật ký của máy chủ"
    ),
    # --- sources ------------------------------------------------------------------------------
    "{source}: no such file or folder": "{source}: không có tệp hoặc thư mục này",
    "{source}: no such file or folder, and {why}": (
        "{source}: không có tệp hoặc thư mục này, và {why}"
    ),
    "no source of that name in {config}": "không có nguồn nào tên như vậy trong {config}",
    "there is no danhba.toml": "không có danhba.toml",
    "{source}: another run of danhba is working on it; wait until it ends": (
        "{source}: một lần chạy danhba khác đang làm việc với nguồn này; hãy chờ đến khi xong"
    ),
    "{service}: the environment variable {variable} is not set": (
        "{service}: chưa đặt biến môi trường {variable}"
    ),
    # --- a run that is stopped ----------------------------------------------------------------
    "more numbers are of +{code} ({abroad}) than of {home} ({count}): is this a book of another"
    " country? Nothing was written. Say in which country numbers without a country code are"
    " dialled, with --country CODE (--country {same} to go on so)": (
        "có nhiều số của +{code} ({abroad}) hơn của {home} ({count}): đây có phải danh bạ của nước"
        " khác không? Chưa ghi gì. Hãy cho biết số không có mã quốc gia thuộc nước nào bằng"
        " --country MÃ (--country {same} để tiếp tục như vậy)"
    ),
    "the plan was cut off before it was known whether this is a book of another country; nothing"
    " was written. Run danhba convert again (answers given are remembered), with --country {home}"
    " if numbers without a country code are dialled there": (
        "kế hoạch bị ngắt trước khi biết đây có phải danh bạ của nước khác không; chưa ghi gì. Hãy"
        " chạy lại danhba convert (các câu trả lời vẫn được nhớ), thêm --country {home} nếu số"
        " không có mã quốc gia thuộc nước đó"
    ),
    "cards to be changed: {count} of {all}, more than --max-changes {limit}; nothing was written."
    " Look at the log, then give a higher number": (
        "số liên hệ sẽ thay đổi: {count} trên {all}, vượt quá --max-changes {limit}; chưa ghi gì."
        " Hãy xem nhật ký rồi đặt mức cao hơn"
    ),
    "{ref}: the server does not keep cards as they are sent": (
        "{ref}: máy chủ không lưu liên hệ đúng như được gửi"
    ),
    # --- logs ---------------------------------------------------------------------------------
    "{log}: is there already; give a new file for the log": (
        "{log}: đã có; hãy chọn một tệp mới cho nhật ký"
    ),
    "{log}: is not a diff log; give the file that --log made": (
        "{log}: không phải nhật ký; hãy dùng tệp do --log tạo ra"
    ),
    "{log}:1: not a diff log: it does not begin with a run": (
        "{log}:1: không phải nhật ký: không bắt đầu bằng một lần chạy"
    ),
    "{log}: the log is empty": "{log}: nhật ký trống",
    "{log}: is of a copy, which convert -o writes itself. Answers are remembered; for a copy with"
    " them: danhba {again}": (
        "{log}: là của một bản sao do convert -o tự ghi. Các câu trả lời đã được ghi nhớ; để có bản"
        " sao theo đó: danhba {again}"
    ),
    "{log}: went to standard output, there is nothing to undo": (
        "{log}: kết quả đã ra đầu ra chuẩn, không có gì để hoàn tác"
    ),
    "{log}: was cut off while it was planned; run danhba convert again for the other cards": (
        "{log}: bị ngắt khi đang lập kế hoạch; chạy lại danhba convert cho các liên hệ còn lại"
    ),
    "{log}: holds no originals; its source is a file: use undo instead": (
        "{log}: không chứa bản gốc vì nguồn là tệp; hãy dùng undo"
    ),
    "{log}: not settled: {why}": "{log}: chưa đối chiếu được: {why}",
    # --- cards that cannot be read or written ---------------------------------------------------
    "not a vCard: {why} (read from byte {byte})": "không phải vCard: {why} (đọc từ byte {byte})",
    "no BEGIN:VCARD in it": "không có BEGIN:VCARD",
    "an empty file": "tệp trống",
    "cannot be read: not a regular file": "không đọc được: không phải tệp thường",
    "cannot be read: {error}": "không đọc được: {error}",
    "larger than {size} MiB": "lớn hơn {size} MiB",
    "broken UTF-16": "UTF-16 hỏng",
    "{why} (byte {byte})": "{why} (byte {byte})",
    "cannot be written: {error}": "không ghi được: {error}",
    "{file}: cannot be read: {error}": "{file}: không đọc được: {error}",
    # --- what became of a card ------------------------------------------------------------------
    "the card has changed since the log was written": "liên hệ đã bị sửa sau khi lập nhật ký",
    "the card has changed": "liên hệ đã bị sửa",
    "not there any more, so not taken back: {numbers}": (
        "không còn ở đó nên không trả lại được: {numbers}"
    ),
    "another card has become the same; run the same command again for this one": (
        "một liên hệ khác nay giống hệt; hãy chạy lại lệnh này cho liên hệ còn lại"
    ),
    "the card is gone": "liên hệ không còn nữa",
    "the card has changed or is gone": "liên hệ đã bị sửa hoặc không còn nữa",
    "{file}: the card has moved": "{file}: liên hệ đã đổi chỗ",
    "{file}: changed by someone else meanwhile, left as it is": (
        "{file}: vừa bị người khác sửa, để nguyên"
    ),
    "{file}: not written, left as it was: {error}": "{file}: chưa ghi, để nguyên như cũ: {error}",
    "{folder}: cannot write here: {error}": "{folder}: không ghi được vào đây: {error}",
    "the card was changed by someone else since, and holds none of our numbers any more": (
        "liên hệ đã bị người khác sửa và không còn số nào do danhba ghi"
    ),
    "undo: {why}": "hoàn tác: {why}",
    "not sent: the run was stopped": "chưa gửi: lần chạy đã dừng",
    "the run was cut off before this card": "lần chạy bị ngắt trước liên hệ này",
    # --- a cause at the end, whatever stands before it -------------------------------------------
    "{place}: {status}: {why}": "{place}: {status}: {why}",
}
