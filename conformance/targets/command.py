"""A program as a target: JSON lines on its standard input and output. See docs/protocol.md."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from conformance.judge.finding import Kind
from conformance.targets.leash import leashed
from conformance.targets.limits import FREE, Limits, limits_from_json
from conformance.targets.pipes import LINE_LIMIT, Closed, Late, Pipes, TooLong
from conformance.targets.target import PROTOCOL, PROTOCOL_VERSION, Asked, TargetError
from conformance.traces.codec import (
    CodecError,
    action_to_json,
    config_to_json,
    observation_from_json,
)
from conformance.traces.schemas import problem
from model.observation import Observation
from model.profiles import Profile
from model.state import ConcreteAction, Config

DEADLINE = 10.0
"""Seconds that a target may take for one answer, if no others are given."""
SLOW_START = 20
"""A target whose hello took long may take so many times as long for an answer."""
GRACE = 0.001
"""Seconds at the border of two traces in which a target that says nothing unasked stays silent."""
QUIT_SECONDS = 2.0
"""Seconds that a target may take to exit once it is told to."""
SHOWN = 80
"""Characters of a bad answer that a message repeats."""


class CommandTarget:
    """Speaks the protocol with a program, which is started again after it failed or was closed.

    Raises TargetError, on construction as well: the program says hello at once. Raises ValueError
    for a command that names no program, and for limits that leave no device.
    """

    def __init__(
        self, command: str, deadline: float | None = None, log: Path | None = None
    ) -> None:
        """`deadline`: seconds for one answer, by default 10, or more where even the hello was slow.
        `log`: a file for all messages, a line each. Raises OSError where it cannot be written."""
        self._words = shlex.split(command)
        if not self._words:
            raise ValueError("the command is empty: expected cmd:PROGRAM ARGUMENTS")
        self._deadline = DEADLINE if deadline is None else deadline
        self._given = deadline is not None
        self._log = None if log is None else log.open("w", encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self.limits: Limits = FREE
        self.capabilities = self._hello()
        if (wrong := self.limits.problem()) is not None:
            self.close()
            raise ValueError(f"the limits of its hello leave no device: {wrong}")

    def fitted(self, profile: Profile, config: Config) -> Config:
        return self.limits.permitted(profile, self.limits.fitted(config))

    def start(self, profile: Profile, config: Config) -> Observation:
        if self._process is None:
            self._hello()
        return self._seen({"start": {"profile": profile.name, "config": config_to_json(config)}})

    def apply(self, action: ConcreteAction) -> Observation:
        return self._seen({"do": action_to_json(action)})

    def together(self, asked: Sequence[Asked]) -> list[Observation]:
        """Of the layouts a program is told nothing but what goes out together."""
        if len(asked) == 1:
            return [self.apply(asked[0].action)]
        answer = self._ask({"together": [action_to_json(one.action) for one in asked]})
        if (wrong := problem(answer, "protocol-v1.json", "seen")) is not None:
            self._fail(Kind.GARBAGE, f"the target's answer to a batch is wrong: {wrong}")
        seen = answer["seen"]
        if len(seen) != len(asked):
            self._fail(Kind.GARBAGE, f"{len(seen)} answers to a batch of {len(asked)} requests")
        try:
            return [observation_from_json(one) for one in seen]
        except CodecError as error:
            self._fail(Kind.GARBAGE, f"the target's answer is no observation: {error}")

    def state(self) -> None:
        return None

    def close(self) -> None:
        if self._process is None:
            return
        self._note("!", "closed")
        with suppress(OSError, subprocess.TimeoutExpired):
            self._pipes.write(b'{"quit":{}}\n')
            self._process.wait(QUIT_SECONDS)
        self._end()

    def _hello(self) -> frozenset[str]:
        try:
            pipe = subprocess.PIPE
            process, self._leash = leashed(self._words, stdin=pipe, stdout=pipe, stderr=pipe)
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise TargetError(Kind.DIED, f"cannot start {self._words[0]}: {reason}") from None
        self._process = process
        self._pipes = Pipes(process)
        hello = {"hello": {"protocol": PROTOCOL, "version": PROTOCOL_VERSION}}
        began = time.monotonic()
        answer = self._ask(hello)
        if not self._given:
            # A slow machine is no hung device.
            self._deadline = max(self._deadline, SLOW_START * (time.monotonic() - began))
        said = answer.get("hello")
        if isinstance(said, dict) and said.get("version", PROTOCOL_VERSION) != PROTOCOL_VERSION:
            self._fail(
                Kind.GARBAGE,
                f"the target speaks protocol version {said['version']!r}, "
                f"this program version {PROTOCOL_VERSION}",
            )
        if (wrong := problem(answer, "protocol-v1.json", "welcome")) is not None:
            self._fail(Kind.GARBAGE, f"invalid hello: {wrong}")
        self.limits = limits_from_json(answer["hello"].get("limits", {}))
        return frozenset(answer["hello"]["capabilities"])

    def _seen(self, message: dict[str, Any]) -> Observation:
        answer = self._ask(message)
        if isinstance(answer.get("refuse"), str) and "start" in message:
            reason = " ".join(answer["refuse"].split())
            raise TargetError(Kind.REFUSED, f"the target refused the configuration: {reason}")
        try:
            if set(answer) != {"see"}:
                raise CodecError(f"members {', '.join(answer) or 'none'}, expected 'see'")
            return observation_from_json(answer["see"])
        except CodecError as error:
            self._fail(Kind.GARBAGE, f"the target's answer is no observation: {error}")

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message and read the answer, any JSON object."""
        try:
            # A late line of the trace before must not pass for the answer to a start: it comes
            # before the message is sent, or the answer comes after it.
            grace = GRACE if "start" in message else 0
            if unasked := self._pipes.unasked(grace):
                self._fail(Kind.GARBAGE, f"the target spoke unasked: {_text(unasked)}")
            text = json.dumps(message, separators=(",", ":"))
            self._note(">", text)
            self._pipes.write(text.encode() + b"\n")
            line = self._pipes.line(self._deadline)
            self._note("<", line.decode(errors="backslashreplace"))
            if surplus := self._pipes.surplus(grace):
                self._fail(Kind.GARBAGE, f"the target spoke unasked: {_text(surplus)}")
        except (Closed, OSError):
            self._fail(Kind.DIED, self._death())
        except Late:
            self._fail(Kind.HUNG, f"the target gave no answer within {self._deadline:g} s")
        except TooLong:
            self._fail(Kind.GARBAGE, f"the target's line is longer than {LINE_LIMIT} bytes")
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            self._fail(Kind.GARBAGE, f"the target's line is no JSON object: {_text(line)}")
        return answer

    def _note(self, direction: str, text: str) -> None:
        """Add a message, or what happened, to the log."""
        if self._log is not None:
            self._log.write(f"{direction} {text}\n")
            self._log.flush()

    def _death(self) -> str:
        """How the program ended, with the last line that it left on standard error."""
        assert self._process is not None
        try:
            status = self._process.wait(QUIT_SECONDS)
        except subprocess.TimeoutExpired:
            return "the target closed its standard output"
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        last = self._pipes.last_error()
        return f"the target ended with {how}" + (f": {last}" if last else "")

    def _fail(self, kind: Kind, message: str) -> NoReturn:
        log = self._pipes.errors()
        self._note("!", message)
        self._end()
        raise TargetError(kind, message, log)

    def _end(self) -> None:
        """End the program and what it started, which share a session of their own."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._leash.let_go()
        self._pipes.close()


def _text(line: bytes) -> str:
    """The start of what a target wrote, printable."""
    return repr(line[:SHOWN].decode(errors="backslashreplace"))
