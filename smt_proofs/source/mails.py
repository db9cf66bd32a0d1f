"""Patches in the order in which they are to be applied: of a diff, a mail, or an mbox of a series.

Mails are read by `email`: quoted-printable, base64, other charsets and attachments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Final

from smt_proofs.source.parse import SourceError

_POSTMARK: Final = re.compile(rb"^From \S+ .*\d{4}\s*$")
"""The line ahead of each mail of an mbox (RFC 4155)."""
_FIELD: Final = re.compile(rb"^[A-Za-z][A-Za-z0-9-]*:")
_HUNK: Final = re.compile(r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@", re.MULTILINE)
_TAG: Final = re.compile(r"\[([^\]]*PATCH[^\]]*)\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Patch:
    """The text of one patch; `number` of `total` where its subject says so, else 0."""

    text: str
    subject: str = ""
    number: int = 0
    total: int = 0
    version: int = 1

    @property
    def name(self) -> str:
        """How an answer calls it."""
        place = f"{self.number}/{self.total} " if self.number else ""
        return f"patch {place}{self.subject!r}" if self.subject else "the patch"


@dataclass(frozen=True, slots=True)
class Series:
    """Patches in order; `missing` are the numbers of those that are not in the mbox."""

    patches: tuple[Patch, ...]
    missing: tuple[int, ...] = ()


def is_diff(text: str) -> bool:
    """The text holds a unified diff."""
    return _HUNK.search(text) is not None


def read_series(data: bytes) -> Series | None:
    """The patches of a diff, a mail or an mbox, None where there are none.

    Mails that hold no diff, such as a cover letter, count for nothing. Raises SourceError where
    mails of several versions of a series, or two of one number, are in an mbox.
    """
    found = [patch for mail in _mails(data) for patch in _patches(mail)]
    numbered = [patch for patch in found if patch.number]
    if not found:
        return None
    versions = sorted({patch.version for patch in numbered})
    if len(versions) > 1:
        named = ", ".join(f"v{version}" for version in versions)
        raise SourceError(f"patches of several versions ({named}): expected those of one version")
    if len(numbered) < len(found) or not numbered:
        return Series(tuple(found))
    numbers = [patch.number for patch in numbered]
    twice = next((number for number in numbers if numbers.count(number) > 1), None)
    if twice is not None:
        raise SourceError(f"two patches are number {twice}: expected one series")
    total = max(patch.total for patch in numbered)
    missing = tuple(sorted({*range(1, total + 1)} - {*numbers}))
    return Series(tuple(sorted(numbered, key=lambda patch: patch.number)), missing)


def _mails(data: bytes) -> list[bytes]:
    """The mails of an mbox, or all of it."""
    data = data.replace(b"\r\n", b"\n")
    lines = data.split(b"\n")
    starts = [
        at
        for at, line in enumerate(lines)
        if _POSTMARK.match(line)
        and (at == 0 or not lines[at - 1].strip())
        and at + 1 < len(lines)
        and _FIELD.match(lines[at + 1])
    ]
    if not starts:
        return [data]
    ends = [*starts[1:], len(lines)]
    return [b"\n".join(lines[a + 1 : b]) for a, b in zip(starts, ends, strict=True)]


def _patches(mail: bytes) -> list[Patch]:
    """The patch of a mail, or of text without a head."""
    if not _FIELD.match(mail):
        text = mail.decode(errors="replace")
        return [Patch(text)] if is_diff(text) else []
    message = message_from_bytes(mail, policy=default)
    assert isinstance(message, EmailMessage)
    texts = [_text(part) for part in message.walk() if part.get_content_type() in _TEXTS]
    text = "\n".join(text for text in texts if is_diff(text))
    if not text:
        return []
    subject = " ".join(str(message.get("Subject", "")).split())
    tag = _TAG.search(subject)
    inside = tag[1] if tag else ""
    place = re.search(r"\b(\d+)/(\d+)\b", inside)
    version = re.search(r"\bv(\d+)\b", inside, re.IGNORECASE)
    return [
        Patch(
            text,
            _TAG.sub("", subject).strip(),
            int(place[1]) if place else 0,
            int(place[2]) if place else 0,
            int(version[1]) if version else 1,
        )
    ]


_TEXTS: Final = frozenset({"text/plain", "text/x-patch", "text/x-diff", "application/octet-stream"})


def _text(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    try:
        text = data.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        text = data.decode(errors="replace")
    return text.replace("\r\n", "\n")
