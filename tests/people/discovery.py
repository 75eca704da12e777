"""What does the People API accept? The discovery document that the client library ships, as checks.

Unknown parameters and fields, wrong types, unknown enum values and unknown fields in a mask are
refused as Google refuses them, with 400 INVALID_ARGUMENT. The fields a mask may name are read out
of the descriptions, where the document keeps them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient.discovery_cache

_DOCUMENT = Path(googleapiclient.discovery_cache.__file__).with_name("documents") / "people.v1.json"
_MASK_FIELD = re.compile(r"\* (\w+)")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "boolean": bool, "integer": int, "number": (int, float),
    "object": dict, "array": list, "any": object,
}  # fmt: skip


class Refusal(Exception):  # noqa: N818 - an answer, not a mistake
    """An answer other than 200.

    Args:
        code: The HTTP status.
        status: Google's name for the kind of error.
        message: What is wrong.
        reason: The reason of the ErrorInfo; none when empty.
        metadata: The metadata of the ErrorInfo.
        details: More details.
        headers: Headers of the answer, such as Retry-After.
    """

    def __init__(
        self,
        code: int,
        status: str,
        message: str,
        reason: str = "",
        metadata: dict[str, str] | None = None,
        details: tuple[dict[str, Any], ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.status, self.message = code, status, message
        self.headers = headers or {}
        self.details = list(details)
        if reason:
            info = {"reason": reason, "domain": "googleapis.com", "metadata": metadata or {}}
            self.details.append({"@type": "type.googleapis.com/google.rpc.ErrorInfo", **info})

    def body(self) -> dict[str, Any]:
        """Return the answer's body."""
        error = {"code": self.code, "message": self.message, "status": self.status}
        return {"error": {**error, **({"details": self.details} if self.details else {})}}


def invalid(message: str) -> Refusal:
    """Return the refusal of a request that is wrong in itself."""
    return Refusal(400, "INVALID_ARGUMENT", message)


@dataclass(frozen=True)
class Method:
    """A method of the API, as the document describes it."""

    name: str
    http: str
    path: re.Pattern[str]
    parameters: dict[str, Any]
    request: str
    scopes: frozenset[str]
    masks: dict[str, frozenset[str]] = field(default_factory=dict)

    def check(self, query: dict[str, list[str]], path: dict[str, str]) -> dict[str, Any]:
        """Return the parameters as values; refuse what the document does not know."""
        found: dict[str, Any] = {}
        given = {**query, **{name: [value] for name, value in path.items()}}
        for name, values in given.items():
            if name in _common_parameters():
                continue
            if name not in self.parameters:
                raise invalid(f'Invalid JSON payload received. Unknown name "{name}"')
            about = self.parameters[name]
            if len(values) > 1 and not about.get("repeated"):
                raise invalid(f"{name}: given more than once")
            read = [_parameter(name, about, value) for value in values]
            found[name] = read if about.get("repeated") else read[0]
        for name, valid in self.masks.items():
            check_mask(name, found.get(name, ""), valid)
        return found


def _parameter(name: str, about: dict[str, Any], text: str) -> Any:
    if about["type"] == "integer":
        if not re.fullmatch(r"-?\d+", text):
            raise invalid(f"Invalid value at '{name}' (TYPE_INT32), {text!r}")
        return int(text)
    if about["type"] == "boolean":
        if text not in ("true", "false", "True", "False"):
            raise invalid(f"Invalid value at '{name}' (TYPE_BOOL), {text!r}")
        return text in ("true", "True")
    if "pattern" in about and not re.fullmatch(about["pattern"], text):
        raise invalid(f"{name}: {text!r} does not match {about['pattern']}")
    if "enum" in about and text not in about["enum"]:
        raise invalid(f"Invalid value at '{name}', {text!r}")
    return text


def check_mask(name: str, mask: str, valid: frozenset[str], *, required: bool = True) -> list[str]:
    """Return the fields of a mask."""
    fields = [part.strip() for part in mask.split(",") if part.strip()]
    if required and not fields:
        raise invalid(f"{name} mask is required. Please specify one or more valid paths.")
    for part in fields:
        if part not in valid:
            raise invalid(f"Invalid {name} mask path: {part!r}")
    return fields


def check_body(schema: str, value: Any, where: str = "") -> None:
    """Refuse a body that does not fit its schema; read-only fields may be there, as with Google."""
    properties = _document()["schemas"][schema].get("properties", {})
    if not isinstance(value, dict):
        raise invalid(f"Invalid JSON payload received. {where or 'Root'} is no object")
    for name, inner in value.items():
        if name not in properties:
            what = "Invalid JSON payload received. Unknown name"
            raise invalid(f"{what} \"{name}\" at '{where}': Cannot find field.")
        _check(properties[name], inner, f"{where}.{name}" if where else name)


def _check(about: dict[str, Any], value: Any, where: str) -> None:
    if "$ref" in about:
        check_body(about["$ref"], value, where)
        return
    kind = about["type"]
    if not isinstance(value, _TYPES[kind]) or (kind == "integer" and isinstance(value, bool)):
        raise invalid(f"Invalid value at '{where}' ({kind}), {value!r}")
    if "enum" in about and value not in about["enum"]:
        raise invalid(f"Invalid value at '{where}', {value!r}")
    if kind == "array":
        for place, inner in enumerate(value):
            _check(about["items"], inner, f"{where}[{place}]")
    elif kind == "object":
        for key, inner in value.items():
            _check(about["additionalProperties"], inner, f"{where}[{key}]")


def read_only(schema: str) -> frozenset[str]:
    """Return the fields of a schema that only the server sets."""
    properties = _document()["schemas"][schema]["properties"]
    return frozenset(name for name, about in properties.items() if about.get("readOnly"))


def properties(schema: str) -> dict[str, Any]:
    """Return what the document says of a schema's fields."""
    found: dict[str, Any] = _document()["schemas"][schema]["properties"]
    return found


@cache
def body_mask(schema: str, name: str) -> frozenset[str]:
    """Return the fields that a mask in a body may name."""
    return frozenset(_MASK_FIELD.findall(properties(schema)[name]["description"]))


@cache
def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_DOCUMENT.read_text(encoding="utf-8"))
    return found


@cache
def _common_parameters() -> frozenset[str]:
    return frozenset(_document()["parameters"])


@cache
def methods() -> tuple[Method, ...]:
    """Return the methods of `people` and `people.connections`."""
    people = _document()["resources"]["people"]
    found = {**people["methods"], "list": people["resources"]["connections"]["methods"]["list"]}
    return tuple(_method(name, about) for name, about in found.items())


def _method(name: str, about: dict[str, Any]) -> Method:
    path = re.sub(r"\{(\w+)\}", r"(?P<resourceName>people/[^/:]+)", about["path"].replace("+", ""))
    masks = {
        parameter: frozenset(_MASK_FIELD.findall(of["description"]))
        for parameter, of in about["parameters"].items()
        if of.get("format") == "google-fieldmask" and "Valid values" in of["description"]
        and of["description"].startswith("Required")
    }  # fmt: skip
    request = about.get("request", {}).get("$ref", "")
    scopes = frozenset(scope.rpartition("/")[2] for scope in about["scopes"])
    pattern = re.compile(f"/{path}")
    return Method(name, about["httpMethod"], pattern, about["parameters"], request, scopes, masks)


def find_method(http: str, path: str) -> tuple[Method, dict[str, str]]:
    """Return the method of a request, and the parameters in its path."""
    for method in sorted(methods(), key=lambda m: -len(m.path.pattern)):
        match = method.path.fullmatch(path)
        if match and method.http == http:
            return method, match.groupdict()
    raise Refusal(404, "NOT_FOUND", f"no method {http} {path}")
