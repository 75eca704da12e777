"""Where do passwords and tokens come from, and where are they kept?

A password is looked for in this order: the environment variable and the command that the source's
settings name, the system's keyring, a question to the person. None of them comes from the command
line or a URL. Tokens that danhba itself got are kept in the keyring, else in a file of mode 0600 in
the state folder.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from danhba.errors import SyncerError, UsageError
from danhba.private import make_private, write_private

_IN_URL = re.compile(r"(\w:(?://)?[^/\s:@]*):[^/\s]*@")
COMMAND_TIMEOUT_S = 60.0
"""How long a password command may take; it may ask the person to unlock a safe."""


class Secret:
    """A text that never shows in a repr, an error or a log; `reveal` is the one way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text; only where it is sent."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('…')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class _Keyring(Protocol):
    def get_password(self, service: str, user: str) -> str | None: ...
    def set_password(self, service: str, user: str, password: str) -> None: ...
    def delete_password(self, service: str, user: str) -> None: ...


def without_password(text: str) -> str:
    """Return a text in which no URL shows a password that somebody wrote into it."""
    return _IN_URL.sub(r"\1:…@", text)


def keyring() -> _Keyring | None:
    """Return the system's keyring; None when `keyring` is not installed or has no safe to use."""
    try:
        import keyring as found
        from keyring.backends.fail import Keyring as NoSafe
    except ImportError:
        return None
    return None if isinstance(found.get_keyring(), NoSafe) else found


def find_password(
    service: str,
    user: str,
    *,
    environ: Mapping[str, str] = os.environ,
    variable: str = "",
    command: tuple[str, ...] = (),
    ask: Callable[[str], str] | None = None,
) -> Secret:
    """Find the password of a user.

    Args:
        service: The host it is for; the keyring's service name is `danhba:` and this.
        user: Whose it is.
        environ: The environment.
        variable: Name of the environment variable that holds it; empty for none.
        command: Program and arguments that print it; run without a shell; empty for none.
        ask: Asks a person; None when there is none.

    Raises:
        UsageError: It is nowhere.
        SyncerError: The command failed.
    """
    if variable:
        if variable in environ:
            return Secret(environ[variable])
        raise UsageError(f"{service}: the environment variable {variable} is not set")
    if command:
        return _from_command(service, command)
    safe = keyring()
    found = safe.get_password(f"danhba:{service}", user) if safe else None
    if found is not None:
        return Secret(found)
    if ask:
        return Secret(ask(f"Password of {user} at {service}: "))
    raise UsageError(
        f"{service}: no password for {user}. Name an environment variable or a command in the"
        f" source's settings (password_env, password_command), or: keyring set danhba:{service}"
        f" {user}"
    )


def _from_command(service: str, command: tuple[str, ...]) -> Secret:
    what = f"{service}: the password command {command[0]}"
    try:
        done = subprocess.run(  # noqa: S603 - the person's own settings name it; no shell
            command, stdout=subprocess.PIPE, check=True, timeout=COMMAND_TIMEOUT_S
        )
    except subprocess.CalledProcessError as error:
        raise SyncerError(f"{what} failed with exit code {error.returncode}") from None
    except subprocess.TimeoutExpired:
        raise SyncerError(f"{what} took longer than {COMMAND_TIMEOUT_S:.0f} s") from None
    except OSError as error:
        raise SyncerError(f"{what} cannot be run: {error.strerror}") from None
    return Secret(done.stdout.decode().rstrip("\r\n"))


class Vault:
    """Keeps what danhba itself got from a sign-in.

    Args:
        folder: Where files go when there is no keyring; made when needed, mode 0700.
        service: What the secrets are for, such as `google`.
    """

    def __init__(self, folder: Path, service: str) -> None:
        self.folder = folder
        self.service = service

    def _path(self, user: str) -> Path:
        name = hashlib.sha256(f"{self.service}\n{user}".encode()).hexdigest()[:32]
        return self.folder / f"{name}.secret"

    def get(self, user: str) -> Secret | None:
        """Return what is kept for a user, or None."""
        safe = keyring()
        found = safe.get_password(f"danhba:{self.service}", user) if safe else None
        if found is None:
            try:
                found = self._path(user).read_text("utf-8")
            except FileNotFoundError:
                return None
        return Secret(found)

    def set(self, user: str, secret: Secret) -> str:
        """Keep a secret; return where it is, for a person."""
        if safe := keyring():
            safe.set_password(f"danhba:{self.service}", user, secret.reveal())
            return "keyring"
        make_private(self.folder)
        write_private(self._path(user), [secret.reveal().encode()])
        return str(self._path(user))

    def delete(self, user: str) -> bool:
        """Forget a secret; False when there was none."""
        known = self.get(user) is not None
        safe = keyring()
        if safe and safe.get_password(f"danhba:{self.service}", user) is not None:
            safe.delete_password(f"danhba:{self.service}", user)
        self._path(user).unlink(missing_ok=True)
        return known
