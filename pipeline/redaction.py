"""What must not be written down as it stands: credentials, and commands to a terminal.

An address or a parameter that carries one is refused where it enters; what another program or
a server says (an error that quotes a signed address) is written without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

ASTERISKS = "***"
GIVE_IT_OTHERWISE = "give it by the environment (AWS_*, HF_TOKEN, ~/.netrc), not by an address"
_WORDS = r"(?:passw(?:or)?d|passphrase|secret|token(?!i)|credential|signature|api[-_]?key"
_WORDS += r"|access[-_]?key|account[-_]?key|private[-_]?key|authori[sz]ation|bearer)"
_SECRET_WORD = re.compile(_WORDS, re.I)
# names that are secret as they stand, but not as a part of others: monkey, design
_SECRET_NAME = re.compile(r"key|sig|auth|pwd|pass", re.I)
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_USER = re.compile(r"(?<=://)[^/\s?#'\"]*@")
_QUERY = re.compile(
    rf"([?&;](?:[^=&;\s'\"]*{_WORDS}[^=&;\s'\"]*|key|sig|auth|pwd|pass)=)[^&;\s'\"]*", re.I
)
_HEADER = re.compile(r"\b(authorization|bearer|basic)(:?\s+)(?:(?:bearer|basic)\s+)?\S+", re.I)


def redact(text: str) -> str:
    """``text`` with asterisks for what stands before the @ of an address, for query values
    whose names say that they are secret, and for what an Authorization header holds.

    >>> redact("https://me:pw@host/net.onnx?X-Amz-Signature=ab&part=2")
    'https://***@host/net.onnx?X-Amz-Signature=***&part=2'
    """
    if "://" in text:
        text = _USER.sub(f"{ASTERISKS}@", text)
    if "=" in text:
        text = _QUERY.sub(rf"\g<1>{ASTERISKS}", text)
    if re.search("authorization", text, re.I):
        text = _HEADER.sub(rf"\1\2{ASTERISKS}", text)
    return text


def printable(text: str) -> str:
    """``text`` with every character that commands a terminal spelled out, but for new lines
    and tabs: a name out of a file moves no cursor and recolours nothing.

    >>> printable("net\\x1b[2J")
    'net\\\\x1b[2J'
    """
    return _COMMANDS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def find_credential(plain: Any, path: str = "") -> str | None:
    """Where in nested parameters a credential stands (``sources.files.options.secret``), None
    where there is none: an address with one in it, or a text under a name for secrets."""
    if isinstance(plain, str):
        return path if redact(plain) != plain else None
    if isinstance(plain, Mapping):
        for name, value in plain.items():
            inside = f"{path}.{name}".lstrip(".")
            if isinstance(value, str) and value and is_secret(str(name)):
                return inside
            if (found := find_credential(value, inside)) is not None:
                return found
    elif isinstance(plain, list | tuple):
        for number, value in enumerate(plain):
            if (found := find_credential(value, f"{path}.{number}")) is not None:
                return found
    return None


def is_secret(name: str) -> bool:
    """Whether a parameter of this name holds a credential: ``secret``, ``access_key_id``."""
    return bool(_SECRET_WORD.search(name) or _SECRET_NAME.fullmatch(name))
