"""How does a reason read in English and in Vietnamese? Codes in, sentences and labels out.

A template names its arguments in braces; a part in square brackets is left out when one of its
arguments is absent. Dates are written the way the language writes them. An argument may come in
Vietnamese too: `name_vi` is what Vietnamese sentences put for `name`. `{count:card|cards}` is the
word for one or for many.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, TypeAlias

from danhba.card import Reading, Why

Language: TypeAlias = Literal["en", "vi"]
LANGUAGES: tuple[Language, ...] = ("en", "vi")

_VARIABLES = ("DANHBA_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_ARGUMENT = re.compile(r"\{(\w+)(?::([^{}|]*)\|([^{}|]*))?\}")
_ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_MEANING = re.compile(r"([a-z-]+)(?:, (.+?))? \((?:(valid today)|old form, until (\S+))\)")


def language_of(environ: Mapping[str, str]) -> Language:
    """Return the language a person's environment asks for; the first variable set decides."""
    asked = next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    return "vi" if asked.lower().startswith("vi") else "en"


def sentence(why: Why, language: str) -> str:
    """Return a reason as a sentence; an unknown code is returned as it is."""
    return _sentence(why.code, tuple(why.args.items()), language)


@lru_cache(maxsize=4096)
def _sentence(code: str, args: tuple[tuple[str, str], ...], language: str) -> str:
    return filled(_template(_SENTENCES, code, language), dict(args), language)


def label(key: str, language: str) -> str:
    """Return the word or heading for a verdict, kind, status, total, …; an unknown key as it is."""
    return _template(_LABELS, key, language)


def told(key: str, args: Mapping[str, str], language: str) -> str:
    """Return a label that has arguments, with them filled in."""
    return filled(label(key, language), args, language)


def reason_label(code: str, language: str) -> str:
    """Return a reason without its arguments, as a line of a table wants it."""
    return sentence(Why(code), language).removesuffix(".")


def meaning(reading: Reading, language: str) -> str:
    """Return what a reading means (`Reading.meaning`, which is English) in a language."""
    text = reading.meaning
    if text == "some other number":
        return label("other-number", language)
    found = _MEANING.fullmatch(text)
    if not found:
        return label(text, language)
    kind, name, today, until = found.groups()
    args = {
        "kind": label(kind, language), "name": name or "", "name_vi": reading.name_vi,
        "until": until or "",
    }  # fmt: skip
    return filled(label("valid-now" if today else "old-form", language), args, language)


def filled(template: str, args: Mapping[str, str], language: str) -> str:
    """Put the arguments in; they are never read as a template themselves."""

    def chosen(part: re.Match[str]) -> str:
        names = [found[1] for found in _ARGUMENT.finditer(part[1])]
        return part[1] if all(args.get(name) for name in names) else ""

    def value(argument: re.Match[str]) -> str:
        name, one, many = argument.groups()
        if many is not None:
            return one if args.get(name) == "1" else many
        own = args.get(f"{name}_vi") if language == "vi" else ""
        return _localised(own or args.get(name) or "…", language)

    return _ARGUMENT.sub(value, _OPTIONAL.sub(chosen, template))


def known_codes() -> frozenset[str]:
    """Return the codes that have a sentence in every language."""
    return frozenset(_SENTENCES)


def known_labels() -> frozenset[str]:
    """Return the keys that have a label in every language."""
    return frozenset(_LABELS)


def _template(texts: Mapping[str, tuple[str, str]], key: str, language: str) -> str:
    english, vietnamese = texts.get(key, (key, key))
    return vietnamese if language == "vi" else english


def _localised(value: str, language: str) -> str:
    date = _ISO_DATE.fullmatch(value) if language == "vi" else None
    return f"{date[3]}/{date[2]}/{date[1]}" if date else value


# By code, English and Vietnamese.
_SENTENCES: dict[str, tuple[str, str]] = {
    # --- what the digits say (verdict.py) ---------------------------------------------------------
    "one-reading": (
        "Can only be an old number[: {old} became {new}][ ({name})].",
        "Chỉ có thể là số cũ[: đầu số {old} đã đổi thành {new}][ ({name})].",
    ),
    "current": (
        "Valid today[ ({name})]; nothing to change.",
        "Số đang dùng hiện nay[ ({name})]; không cần đổi.",
    ),
    "also-valid-today": (
        "Could be an old landline[ ({name})], but is also a valid number today[ ({today})];"
        " nothing on the card decides.",
        "Có thể là số bàn cũ[ ({name})], nhưng hiện cũng là một số hợp lệ[ ({today})];"
        " trong liên hệ không có gì để phân định.",
    ),
    "no-such-line": (
        "Looks like an old number[ ({name})], but no such line exists under the new prefix either.",
        "Trông như số cũ[ ({name})], nhưng sau khi đổi đầu số cũng không có số nào như vậy.",
    ),
    "no-such-number": (
        "No such number exists today[ ({name})], and no renumbering explains it.",
        "Hiện không có số nào như vậy[ ({name})], và cũng không thuộc đợt đổi số nào.",
    ),
    "closed": (
        "A number of its own kind[ ({name})], which was never renumbered.",
        "Số thuộc loại riêng[ ({name})], không thuộc diện chuyển đổi.",
    ),
    "too-short": (
        "Too short to hold an area code; a service number, or digits are missing.",
        "Quá ngắn để có mã vùng; có thể là số dịch vụ hoặc bị thiếu chữ số.",
    ),
    "foreign": (
        "A number of another country; left alone.",
        "Số của nước khác; giữ nguyên.",
    ),
    "maybe-foreign": (
        "Ten digits without the leading 0: an old landline[ ({name})], or a North American number.",
        "Mười chữ số không có số 0 đầu: có thể là số bàn cũ[ ({name})], cũng có thể là số Bắc Mỹ.",
    ),
    "withdrawn": (
        "An old number[: {old} became {new}][ ({name})]; it is out of use, though lists of valid"
        " numbers still have it.",
        "Số cũ[: đầu số {old} đã đổi thành {new}][ ({name})]; đã ngừng sử dụng,"
        " dù danh mục số hợp lệ vẫn còn ghi.",
    ),
    "unconfirmed": (
        "Looks like an old number[: {old} became {new}][ ({name})], but the sources for that change"
        " are not sure enough to convert it unasked.",
        "Trông như số cũ[: đầu số {old} đã đổi thành {new}][ ({name})], nhưng nguồn về đợt đổi này"
        " chưa đủ chắc chắn để tự đổi.",
    ),
    "reassigned": (
        "May be an old number[: {old} became {new}][ ({name})], but such numbers were given out"
        " again since, with another meaning.",
        "Có thể là số cũ[: đầu số {old} đã đổi thành {new}][ ({name})], nhưng các số như vậy"
        " sau đó đã được cấp lại cho mục đích khác.",
    ),
    "still-in-use": (
        "May be an old number[: {old} became {new}][ ({name})], but some of these numbers were"
        " never changed.",
        "Có thể là số cũ[: đầu số {old} đã đổi thành {new}][ ({name})], nhưng một phần các số này"
        " không hề bị đổi.",
    ),
    "host-country": (
        "May be an old number[ ({name})] from before its country had a code of its own, or a number"
        " of the country that lent it the code.",
        "Có thể là số cũ[ ({name})] từ khi nước này chưa có mã quốc gia riêng, hoặc là số của nước"
        " đã cho mượn mã.",
    ),
    "two-targets": (
        "An old number[ ({name})] that may have become either of two new ones.",
        "Số cũ[ ({name})] có thể đã đổi thành một trong hai số mới.",
    ),
    "foreign-card": (
        "Would be converted as an old number[ ({name})], but the card points to another country.",
        "Lẽ ra được đổi như số cũ[ ({name})], nhưng liên hệ này có vẻ ở nước khác.",
    ),
    "ours": (
        "This computer's records say that danhba wrote this number; it stays.",
        "Máy này ghi nhận danhba đã viết số này; giữ nguyên.",
    ),
    "answered": (
        "A person has decided this.",
        "Đã có người quyết định.",
    ),
    "undone": (
        "An old number[ ({name})] whose change was undone; it stays.",
        "Số cũ[ ({name})], việc đổi đã được hoàn tác; giữ nguyên.",
    ),
    "would-hop": (
        "After the change, the new number could be taken for an old one and changed once more."
        " If you choose to convert it, only the records on this computer prevent that:"
        " another computer knows nothing of your answer.",
        "Sau khi đổi, số mới lại có thể bị nhầm là số cũ và bị đổi thêm lần nữa."
        " Nếu bạn chọn đổi, chỉ sổ ghi nhớ trên máy này ngăn được việc đó;"
        " máy khác không biết câu trả lời của bạn.",
    ),
    "not-yet": (
        "This number is to change[: {old} becomes {new}][ ({name})], but not yet[: on {start}].",
        "Số này sẽ đổi[: đầu số {old} thành {new}][ ({name})] nhưng chưa đến lúc[: ngày {start}].",
    ),
    "under-way": (
        "An old number[: {old} became {new}][ ({name})], which still connects[ until {cutoff}].",
        "Số cũ[: đầu số {old} đã đổi thành {new}][ ({name})],"
        " vẫn còn liên lạc được[ đến ngày {cutoff}].",
    ),
    "waits": (
        "An old number[: {old} became {new}][ ({name})], which still connects; you chose to wait"
        "[ until {cutoff}].",
        "Số cũ[: đầu số {old} đã đổi thành {new}][ ({name})] vẫn còn liên lạc được;"
        " bạn đã chọn chờ[ đến ngày {cutoff}].",
    ),
    "kept-beside": (
        "An old number[ ({name})], kept on purpose beside its new form."
        " The step retire removes it once it is cut off[ ({cutoff})].",
        "Số cũ[ ({name})] được cố ý giữ cạnh số mới."
        " Bước retire sẽ xóa khi số cũ ngừng liên lạc[ ({cutoff})].",
    ),
    "beside": (
        "The old number is kept beside the new one, for it still connects[ until {cutoff}].",
        "Giữ số cũ cạnh số mới vì số cũ vẫn còn liên lạc được[ đến ngày {cutoff}].",
    ),
    "twice": (
        "The card then holds this number twice; the step merge-twins makes one of them.",
        "Sau khi đổi, liên hệ có số này hai lần; bước merge-twins sẽ gộp làm một.",
    ),
    # --- why the steps change something (steps/) --------------------------------------------------
    "same-number": (
        "The same number stands on the card twice[: {number}]; one field with the labels of both"
        " is enough.",
        "Liên hệ có số này hai lần[: {number}]; giữ lại một số với nhãn của cả hai.",
    ),
    "is-mobile": ("A mobile number.", "Là số di động."),
    "is-fixed": ("A landline.", "Là số cố định."),
    "written-as": (
        "Written in one form for all[: {form}].",
        "Viết theo một kiểu thống nhất[: {form}].",
    ),
    # --- why a field cannot be written ------------------------------------------------------------
    "charset": (
        "The field's character set cannot be written safely; left alone.",
        "Không thể ghi an toàn vào trường này vì bảng mã ký tự; giữ nguyên.",
    ),
    "torn": (
        "The field goes on behind a line break that is none; left alone.",
        "Trường này bị ngắt dòng sai, phần sau có thể là trường khác; giữ nguyên.",
    ),
    # --- what was decided from the evidence (evidence.py) -----------------------------------------
    "proved-fixed": (
        "An old landline[ ({name})][: {old} became {new}]; the card proves it.",
        "Là số bàn cũ[ ({name})][: mã vùng {old} đã đổi thành {new}];"
        " liên hệ có bằng chứng rõ ràng.",
    ),
    "proved-mobile": (
        "A number of today[ ({today})]; the card proves it.",
        "Là số hiện nay[ ({today})]; liên hệ có bằng chứng rõ ràng.",
    ),
    "evidence-on-both-sides": (
        "An old landline[ ({name})] or a number of today[ ({today})]: the card contradicts itself.",
        "Số bàn cũ[ ({name})] hay số hiện nay[ ({today})]: thông tin trong liên hệ mâu thuẫn nhau.",
    ),
    "kept-before": (
        "Somebody kept this number; by now the card proves an old landline[ ({name})].",
        "Trước đây đã chọn giữ số này; nay liên hệ có bằng chứng là số bàn cũ[ ({name})].",
    ),
    "points-to-fixed": (
        "Probably an old landline[ ({name})], but it could be a number of today[ ({today})].",
        "Có lẽ là số bàn cũ[ ({name})], nhưng cũng có thể là số hiện nay[ ({today})].",
    ),
    # --- the evidence (evidence.py) ---------------------------------------------------------------
    "foreign-address": (
        "The card's address is in another country[: {country}].",
        "Địa chỉ trong liên hệ ở nước khác[: {country}].",
    ),
    "foreign-numbers": (
        "Most numbers on the card that show a country are from another one[ ({code})].",
        "Phần lớn số có mã quốc gia trong liên hệ là của nước khác[ ({code})].",
    ),
    "foreign-sibling": (
        "The card also holds a number of another country[ ({code})].",
        "Liên hệ còn có số của nước khác[ ({code})].",
    ),
    "card-older": (
        "The card was last changed[ on {date}], before today's number range existed"
        "[ (since {since})].",
        "Liên hệ được sửa lần cuối[ ngày {date}], khi đầu số hiện nay chưa có[ (có từ {since})].",
    ),
    "fax": (
        "It is marked as a fax.",
        "Được ghi là số fax.",
    ),
    "extension": (
        "It has an extension[ ({ext})], which mobiles do not have.",
        "Có số máy lẻ[ ({ext})]; số di động không có máy lẻ.",
    ),
    "bracketed-code": (
        "Its area code stands in brackets, as old landlines were written.",
        "Mã vùng đặt trong ngoặc, đúng cách viết số bàn cũ.",
    ),
    "label-fixed": (
        "It is labelled as a landline[: “{label}”].",
        "Được ghi là số bàn[: “{label}”].",
    ),
    "new-form-too": (
        "The same line stands on the card in its new form too.",
        "Liên hệ đã có chính số này ở dạng mới.",
    ),
    "sibling-fixed": (
        "A neighbouring number on the card is certainly a landline[: {number}].",
        "Một số liền kề trong liên hệ chắc chắn là số bàn[: {number}].",
    ),
    "label-mobile": (
        "It is labelled as a mobile[: “{label}”].",
        "Được ghi là số di động[: “{label}”].",
    ),
    "messenger": (
        "The same number is used for a messenger on this card.",
        "Chính số này được dùng cho ứng dụng nhắn tin trong liên hệ.",
    ),
    "old-mobile-form-too": (
        "The card also holds the old form of this very number of today.",
        "Liên hệ còn có dạng cũ của chính số hiện nay này.",
    ),
    "no-such-landline": (
        "No landline there ever began with this digit[ ({digit})].",
        "Nơi đó chưa từng có số bàn nào bắt đầu bằng chữ số này[ ({digit})].",
    ),
    "type-mobile": (
        "The field's type is mobile[ ({label})].",
        "Loại của trường là di động[ ({label})].",
    ),
    "type-place": (
        "The field's type is a place[ ({label})], not a mobile.",
        "Loại của trường là một nơi[ ({label})], không phải di động.",
    ),
    "label-office": (
        "It is labelled as an office or a home[: “{label}”].",
        "Được ghi là văn phòng hoặc nhà riêng[: “{label}”].",
    ),
    "grouped-as-landline": (
        "Its digits are grouped as a landline's.",
        "Các chữ số được tách nhóm theo kiểu số bàn.",
    ),
    "grouped-as-mobile": (
        "Its digits are grouped as a mobile's.",
        "Các chữ số được tách nhóm theo kiểu số di động.",
    ),
    "address-there": (
        "The card's address is in that province[ ({name})].",
        "Địa chỉ trong liên hệ thuộc đúng tỉnh, thành đó[ ({name})].",
    ),
    "address-elsewhere": (
        "The card's address is in another province, not in that of the old landline[ ({name})].",
        "Địa chỉ trong liên hệ ở tỉnh, thành khác, không phải nơi của số bàn cũ[ ({name})].",
    ),
    "created-later": (
        "The card was made[ on {date},] after the old numbers were switched off.",
        "Liên hệ được tạo[ ngày {date},] sau khi số cũ đã ngừng sử dụng.",
    ),
    "company": (
        "The card is of an organisation, not of a person.",
        "Liên hệ là của một tổ chức, không phải cá nhân.",
    ),
    "other-old-numbers": (
        "Other numbers on the card are certainly old.",
        "Liên hệ còn có số khác chắc chắn là số cũ.",
    ),
    "landline-near": (
        "The card also holds a landline of today with a number close to it[: {number}].",
        "Liên hệ còn có một số bàn hiện nay gần với số này[: {number}].",
    ),
    # --- why a field cannot be read (phone.py) ----------------------------------------------------
    "empty": ("The field is empty.", "Trường để trống."),
    "no-digits": ("There are no digits in it.", "Không có chữ số nào."),
    "ussd": (
        "A service code (USSD), not a number.",
        "Mã dịch vụ (USSD), không phải số điện thoại.",
    ),
    "pause": (
        "It contains a dialling pause; what follows is dialled later.",
        "Có khoảng dừng quay số; phần sau được quay sau khi kết nối.",
    ),
    "letters": (
        "Letters stand for digits, or hide some.",
        "Có chữ cái thay cho chữ số hoặc che bớt chữ số.",
    ),
    "not-a-phone": (
        "Not a phone number: an address, a link or a handle.",
        "Không phải số điện thoại: là địa chỉ, liên kết hoặc tên tài khoản.",
    ),
    "partial-second": (
        "A second number is written only in part; the field is left as it is.",
        "Số thứ hai chỉ được viết một phần; trường này được giữ nguyên.",
    ),
    "read-only-source": (
        "Does not come from the contact itself, but from a profile or a directory, and cannot be"
        " changed here.",
        "Không thuộc chính liên hệ này mà từ hồ sơ hoặc danh bạ chung, nên không đổi được ở đây.",
    ),
    "unclear": (
        "It cannot be read with certainty.",
        "Không thể đọc chắc chắn.",
    ),
}

# By key, English and Vietnamese.
_LABELS: dict[str, tuple[str, str]] = {
    # verdicts
    "convert": ("convert", "đổi"),
    "keep": ("keep", "giữ nguyên"),
    "ask": ("ask", "cần hỏi"),
    # kinds
    "mobile": ("mobile", "di động"),
    "fixed": ("fixed line", "cố định"),
    "fixed-or-mobile": ("fixed line or mobile", "cố định hoặc di động"),
    "voip": ("internet telephony", "điện thoại Internet"),
    "toll-free": ("toll-free", "miễn cước"),
    "premium": ("premium rate", "dịch vụ tính cước cao"),
    "service": ("service number", "số dịch vụ"),
    "short": ("short number", "số ngắn"),
    "foreign": ("other country", "nước ngoài"),
    "unreadable": ("not a readable number", "không đọc được"),
    # readings
    "old-form": (
        "{kind}[, {name}] (old form, until {until})",
        "{kind}[, {name}] (dạng cũ, đến {until})",
    ),
    "valid-now": ("{kind}[, {name}] (valid today)", "{kind}[, {name}] (đang dùng hiện nay)"),
    "other-number": ("some other number", "một số nào khác"),
    # what became of a change or a question
    "proposed": ("proposed", "đề xuất"),
    "sent": ("under way", "đang ghi"),
    "written": ("written", "đã ghi"),
    "conflict": ("conflict", "xung đột"),
    "failed": ("failed", "thất bại"),
    "stale": ("stale", "đã lỗi thời"),
    "undone": ("undone", "đã hoàn tác"),
    "kept": ("left as it is", "để nguyên"),
    "open": ("open", "chưa trả lời"),
    "stopped": ("stopped", "đã dừng"),
    "answered": ("answered", "đã trả lời"),
    # totals
    "cards_read": ("cards read", "liên hệ đã đọc"),
    "cards_changed": ("cards changed", "liên hệ thay đổi"),
    "cards_asked": ("cards with questions alone", "liên hệ chỉ có câu hỏi"),
    "cards_unchanged": ("cards unchanged", "liên hệ giữ nguyên"),
    "cards_skipped": ("cards skipped", "liên hệ bỏ qua"),
    "cards_written": ("cards written", "liên hệ đã ghi"),
    "cards_not_written": ("cards not written", "liên hệ chưa ghi"),
    "cards_failed": ("cards failed", "liên hệ thất bại"),
    "cards_restored": ("cards restored", "liên hệ đã khôi phục"),
    "cards_not_restored": ("cards not restored", "liên hệ chưa khôi phục"),
    "numbers_read": ("numbers read", "số đã đọc"),
    "numbers_convert": ("numbers to convert", "số cần đổi"),
    "numbers_keep": ("numbers kept", "số giữ nguyên"),
    "numbers_ask": ("numbers to ask about", "số cần hỏi"),
    "numbers_ambiguous": ("ambiguous, kept undecided", "mơ hồ, tạm giữ nguyên"),
    "cards_twice": ("cards with a number twice", "liên hệ có số bị trùng"),
    "changes_not_applicable": ("changes not applicable", "thay đổi không áp dụng được"),
    # sections of a log
    "section-convert": ("conversion", "chuyển đổi"),
    "section-apply": ("apply", "áp dụng"),
    "section-undo": ("undo", "hoàn tác"),
    "section-review": ("review", "trả lời câu hỏi"),
    "section-replan": ("new plan", "lập lại kế hoạch"),
    # headings
    "title": ("Renumbering report", "Báo cáo chuyển đổi số điện thoại"),
    "totals": ("Totals", "Tổng số"),
    "by-verdict": ("Numbers by verdict", "Số theo kết luận"),
    "by-rule": ("By rule", "Theo quy tắc"),
    "by-place": ("By operator and province", "Theo nhà mạng và tỉnh, thành"),
    "by-step": ("Changes by step", "Thay đổi theo bước"),
    "by-reason": ("By reason", "Theo lý do"),
    "elsewhere": ("Seen and left alone", "Có thấy nhưng không động đến"),
    "changes": ("Changes", "Thay đổi"),
    "questions": ("Questions", "Câu hỏi"),
    "skipped": ("Skipped", "Bỏ qua"),
    "what-was-done": ("What was done", "Đã thực hiện"),
    # columns
    "verdict": ("verdict", "kết luận"),
    "reason": ("reason", "lý do"),
    "reasons": ("reasons", "lý do"),
    "rule": ("rule", "quy tắc"),
    "name": ("name", "tên"),
    "place": ("operator or province", "nhà mạng hoặc tỉnh, thành"),
    "kind": ("kind", "loại"),
    "count": ("count", "số lượng"),
    "field": ("field", "trường"),
    "card": ("card", "liên hệ"),
    "change": ("change", "thay đổi"),
    "number": ("number", "số"),
    "readings": ("readings", "các cách hiểu"),
    "answer": ("answer", "trả lời"),
    "status": ("status", "trạng thái"),
    "section": ("section", "phần"),
    "step": ("step", "bước"),
    "time": ("time", "thời gian"),
    "result": ("result", "kết quả"),
    # facts of a run
    "source": ("source", "nguồn"),
    "target": ("copy", "bản sao"),
    "run": ("run", "lần chạy"),
    "danhba": ("version of danhba", "phiên bản danhba"),
    "country": ("home country", "quốc gia"),
    "packs": ("numbering packs", "gói đầu số"),
    "steps": ("steps", "các bước"),
    "policy": ("while both numbers connect", "khi số cũ và số mới cùng liên lạc được"),
    "replace": ("replace the old number", "thay số cũ"),
    "add": ("add the new number", "thêm số mới"),
    "wait": ("wait", "chờ"),
    "today": ("dates compared with", "ngày đối chiếu"),
    "unfinished": (
        "This log has no end: the run was cut off, or is still going on. Sums may be missing.",
        "Nhật ký chưa có phần kết: lần chạy bị ngắt giữa chừng hoặc chưa xong."
        " Có thể thiếu tổng số.",
    ),
    # reports
    "report": ("How far the renumbering is", "Tiến độ chuyển đổi số điện thoại"),
    "progress": (
        "{done} of {of} renumbered {of:number|numbers} in the new form ({share}).",
        "{done} trên {of} số thuộc diện đổi đã ở dạng mới ({share}).",
    ),
    "nothing-to-renumber": (
        "No number here was ever renumbered.",
        "Không có số nào thuộc diện đổi.",
    ),
    "not-counted": ("Not counted: {what}", "Không đếm được: {what}"),
    "compared-with": (
        "Compared with the report of {time}; differences stand in brackets.",
        "So với báo cáo lúc {time}; chênh lệch ghi trong ngoặc.",
    ),
    "only-before": (
        "Counted in the earlier report only, and not compared: {sources}",
        "Chỉ có trong báo cáo trước, không so sánh: {sources}",
    ),
    "only-after": (
        "Not counted in the earlier report, and not compared: {sources}",
        "Không có trong báo cáo trước, không so sánh: {sources}",
    ),
    "to-convert": ("to convert", "cần đổi"),
    "to-ask": ("to ask a person about", "cần hỏi"),
    "not-writable": ("old, but cannot be written", "số cũ nhưng không ghi được"),
    "waiting": ("old, but waiting for its day", "số cũ, chờ đến ngày đổi"),
    "ambiguous": ("ambiguous, kept", "mơ hồ, giữ nguyên"),
    "decided": ("kept, as a person decided", "giữ theo quyết định của người dùng"),
    "converted": ("converted by danhba", "danhba đã đổi"),
    "already-new": ("already in the new form", "đã ở dạng mới"),
    "never-renumbered": ("never renumbered", "không thuộc diện đổi"),
    "no-such-number": ("no such number today", "hiện không có số này"),
    "new": ("in the new form", "dạng mới"),
    "column-convert": ("convert", "đổi"),
    "column-ask": ("ask", "hỏi"),
    "column-new": ("new", "mới"),
    "column-ambiguous": ("ambiguous", "mơ hồ"),
    "none": ("(none)", "(không có)"),
    "other": ("other", "khác"),
    "read": ("all", "tổng"),
    "share": ("share", "tỷ lệ"),
    "state": ("state", "tình trạng"),
    "by-state": ("Numbers", "Số điện thoại"),
    "by-source": ("By source", "Theo nguồn"),
    "cards": ("Cards", "Liên hệ"),
    "before": ("before", "trước"),
    "now": ("now", "hiện nay"),
    "more-bars": ("and {count} more, in the table", "và {count} mục nữa, xem trong bảng"),
    "by-state-chart": ("All numbers, by what is left to do", "Mọi số, theo việc còn phải làm"),
    "made-by-danhba": ("Made by danhba.", "Do danhba tạo."),
    "by-place-chart": (
        "Renumbered numbers by operator and province",
        "Số thuộc diện đổi, theo nhà mạng và tỉnh, thành",
    ),
    "more-lines": (
        "and {count} more (all of them: --json or --html)",
        "và {count} dòng nữa (xem đủ: --json hoặc --html)",
    ),
    # kinds of changes
    "set-number": ("number", "số"),
    "set-label": ("labels", "nhãn"),
    "add-phone": ("added", "thêm"),
    "drop-phone": ("removed", "xóa"),
    "which": ("which one?", "chọn cách nào?"),
    # the page
    "search": ("Search names and numbers", "Tìm tên hoặc số"),
    "all-verdicts": ("Changes and questions", "Thay đổi và câu hỏi"),
    "all-rules": ("All rules", "Mọi quy tắc"),
    "all-statuses": ("All statuses", "Mọi trạng thái"),
    "previous": ("Previous", "Trước"),
    "next": ("Next", "Sau"),
    "shown": ("{from}–{to} of {of}", "{from}–{to} / {of}"),
    "nothing": ("Nothing here.", "Không có gì."),
    "no-script": (
        "The lists need JavaScript, which is part of this file; nothing is loaded from elsewhere.",
        "Các danh sách cần JavaScript có sẵn trong tệp này; không tải gì từ nơi khác.",
    ),
    "made-by": (
        "Made by danhba. This file holds personal data: pass it on with care.",
        "Do danhba tạo. Tệp này chứa dữ liệu cá nhân: hãy cẩn thận khi chuyển tiếp.",
    ),
    "no-name": ("(no name)", "(không tên)"),
    # what became of a run, and what can be done next
    "result-written": (
        "{written} {written:card|cards} written[, {not} not]",
        "{written} liên hệ đã ghi[, {not} chưa ghi]",
    ),
    "result-restored": (
        "{written} {written:card|cards} restored[, {not} not]",
        "{written} liên hệ đã khôi phục[, {not} chưa]",
    ),
    "log-written": (
        "{written} {written:card|cards} written, {restored} restored; source: {source}",
        "{written} liên hệ đã ghi, {restored} đã khôi phục; nguồn: {source}",
    ),
    "replanned": (
        "{count} stale {count:card|cards} planned again; look at {count:it|them}, then: danhba"
        " apply {log}",
        "đã lập lại kế hoạch cho {count} liên hệ đã lỗi thời; xem lại rồi chạy: danhba apply {log}",
    ),
    "settled": (
        "settled {log}: {count} {count:card was|cards were} written",
        "đã đối chiếu {log}: {count} liên hệ đã được ghi",
    ),
    "more-cards": (
        "… and {count} more {count:card|cards}; to see all of them: danhba log {log}",
        "… và {count} liên hệ nữa; xem tất cả: danhba log {log}",
    ),
    "more-numbers": (
        "  … and {count} more {count:number|numbers}",
        "  … và {count} số nữa",
    ),
    "originals-written": (
        "{count} {count:original|originals} written to {folder}",
        "đã ghi {count} bản gốc vào {folder}",
    ),
    "cards-tried": (
        "[the first {first} {first:card|cards}][{all} {all:card|cards}], {troubled} not understood",
        "[{first} liên hệ đầu tiên][{all} liên hệ], {troubled} không đọc được",
    ),
    "next-nothing-written": ("Nothing was written. Next:", "Chưa ghi gì vào danh bạ. Tiếp theo:"),
    "next-page": (
        "  show it to others:     danhba log {log} --html report.html",
        "  cho người khác xem:    danhba log {log} --html report.html",
    ),
    "next-review": (
        "  answer the questions:  danhba review {log}",
        "  trả lời các câu hỏi:   danhba review {log}",
    ),
    "next-apply": (
        "  carry it out:          danhba apply {log}",
        "  thực hiện:             danhba apply {log}",
    ),
    "next-undo": ("To take it back: danhba undo {log}", "Để hoàn tác: danhba undo {log}"),
    "next-undo-copy": (
        "To make the copy like its source again: danhba undo {log}",
        "Để bản sao trở lại giống bản gốc: danhba undo {log}",
    ),
    "next-left": (
        "To answer the questions that are left: danhba review {log}",
        "Để trả lời các câu hỏi còn lại: danhba review {log}",
    ),
    "next-replan": (
        "To plan the cards again that have changed: danhba apply --replan {log}",
        "Để lập lại kế hoạch cho các liên hệ đã bị sửa: danhba apply --replan {log}",
    ),
    "next-again": (
        "What was undone is not proposed again; to have it proposed: danhba convert"
        " --forget-answers {source}",
        "Các thay đổi đã hoàn tác sẽ không được đề xuất lại; muốn đề xuất lại: danhba convert"
        " --forget-answers {source}",
    ),
    "next-forget": (
        "Some numbers stay because somebody said so, or undid the change; to decide anew: danhba"
        " convert --forget-answers {source}",
        "Một số số điện thoại được giữ theo câu trả lời hoặc vì đã hoàn tác; để quyết định lại:"
        " danhba convert --forget-answers {source}",
    ),
    "next-copy": (
        "Nothing was written. For a converted copy, run it again with -o FILE, or -o - for standard"
        " output",
        "Chưa ghi gì. Để có bản đã chuyển, chạy lại với -o TỆP, hoặc -o - cho đầu ra chuẩn",
    ),
    "log": ("log", "nhật ký"),
    "pack-line": (
        "{id}  {name} (+{code}), {rules} {rules:rule|rules}[ ({asking} only to ask)], {path}",
        "{id}  {name} (+{code}), {rules} quy tắc[ ({asking} chỉ để hỏi)], {path}",
    ),
    "rule-line": (
        "[(and {more} more), ]{from} → {to} digits, since {since}, {kind}[, {place}]"
        "[, only asks ({ask})]",
        "[(và {more} nữa), ]{from} → {to} chữ số, từ {since}, {kind}[, {place}][, chỉ hỏi ({ask})]",
    ),
    "check-source": ("source", "nguồn"),
    "check-read": ("read", "đã đọc"),
    "check-known": ("from the last probe: {found}", "theo lần thử trước: {found}"),
    "check-never": (
        "never tried out; to do so: danhba check {source} --probe",
        "chưa từng thử; để thử: danhba check {source} --probe",
    ),
    # a review
    "review-group": (
        "({number}) one question[ and {more} like it]",
        "({number}) một câu hỏi[ và {more} câu tương tự]",
    ),
    "review-all": (
        "1/2 for all of them, e: one by one, s: skip, q: leave",
        "1/2 cho tất cả, e: từng câu một, s: bỏ qua, q: thoát",
    ),
    "review-one": ("1/2, s: skip, q: leave", "1/2, s: bỏ qua, q: thoát"),
    "review-again": ("Please answer with one of {choices}", "Hãy trả lời một trong: {choices}"),
    "review-each": ("1/2, s: skip, q: leave this group", "1/2, s: bỏ qua, q: thoát nhóm này"),
    "review-kept": (
        "{count} {count:answer|answers} saved[; {left} {left:question is|questions are} left]"
        "[. To carry {count:it|them} out: danhba {command}]",
        "Đã lưu {count} câu trả lời[; còn {left} câu hỏi][. Để thực hiện: danhba {command}]",
    ),
}
