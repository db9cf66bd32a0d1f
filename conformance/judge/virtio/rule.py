"""One rule of the text, of the host's side or of what drivers need."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How strongly a statement binds whom it addresses."""

    MUST = "MUST"
    MUST_NOT = "MUST NOT"
    SHOULD = "SHOULD"
    SHOULD_NOT = "SHOULD NOT"
    MAY = "MAY"
    TEXT = "text"
    """Not normative: what the description around the statements says."""
    HOST = "host"
    """Not of VIRTIO: what the host sees of memslots and memory."""
    NEED = "need"
    """Not of VIRTIO: what drivers rely on though the text lets a device refuse it."""
    OPEN = "open"
    """What the text of VIRTIO does not settle."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One statement. `says` is a paraphrase in one line; `unjudged` a reason, empty if judged.

    `unprofiled`: no profile says anything of what it is about, so that it binds beside any.
    """

    id: str
    section: str
    level: Level
    says: str
    unjudged: str = ""
    unprofiled: bool = False

    @property
    def binding(self) -> bool:
        """A breach is a failure; one of SHOULD or NEED is told of, and MAY cannot be broken."""
        return self.level in (Level.MUST, Level.MUST_NOT, Level.TEXT, Level.HOST)

    @property
    def clause(self) -> str:
        """Where the statement stands."""
        virtio = self.level not in (Level.HOST, Level.NEED)
        return f"VIRTIO, {self.section}" if virtio else self.section
