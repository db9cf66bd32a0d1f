"""What a driver under test can do: the interface that lists of events are played on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from conformance.judge.driver.ledger import Region
from conformance.judge.driver.seen import Seen
from conformance.judge.finding import Kind
from conformance.traces.driven import Do, Event, Setup


@dataclass(frozen=True, slots=True)
class Played:
    """What a list of events showed, up to where it failed if it did.

    `failure` is how the guest or its machine failed, and one line; `log` what the guest's kernel
    told of its driver.
    """

    region: Region
    seen: tuple[Seen, ...]
    failure: tuple[Kind, str] | None = None
    log: str = ""


class DriverTarget(Protocol):
    """A driver under test."""

    @property
    def name(self) -> str:
        """The driver and its version."""

    @property
    def able(self) -> frozenset[Do]:
        """The events that it can be given."""

    def play(self, setup: Setup, events: Sequence[Event]) -> Played:
        """Begin anew with nothing plugged, take the events one after the other, and let the
        driver come to rest. Raises TargetError where no run can begin."""

    def close(self) -> None:
        """Let go of what is kept between runs."""
