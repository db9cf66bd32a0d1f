"""A VMM as a target: its device driven by the bare guest, its memslots watched from outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Final

from conformance.judge.finding import Kind
from conformance.targets.driver.bus import DriverError, DriverLate
from conformance.targets.driver.device import VirtioMem
from conformance.targets.driver.memory import GuestMemory
from conformance.targets.driver.speech import Done, Speech, observed, only_answered
from conformance.targets.target import (
    BATCH,
    FRAMING,
    ONE_EACH,
    PADDING,
    STRAY,
    Asked,
    TargetError,
)
from conformance.targets.tracing import tracer
from conformance.targets.vmm.host import HostSide, sees_memory
from conformance.targets.vmm.machine import Machine, Vmm
from model.observation import Constants, Observation
from model.profiles import Profile
from model.state import NO_FAULTS, REQUESTS, Answer, ConcreteAction, Config, Op

_REQUESTS: Final = frozenset(op.value for op in REQUESTS)
_SHOWN: Final = frozenset(
    {"usable", "size", "requested", "constants", "memory", "used", PADDING, BATCH, FRAMING, STRAY}
)
_RESETS: Final = frozenset({Op.SYSTEM_RESET, Op.DEVICE_RESET})


class VmmTarget:
    """The device of a VMM, in a process of its own for each trace."""

    def __init__(self, vmm: Vmm, *, watched: bool = True, faults: bool = False) -> None:
        """`watched`: its memslots are looked at, where there is a tracer. `faults`: operations of
        the host can be made to fail, where they are."""
        self.vmm = vmm
        self._faults = faults
        self._watched = watched and tracer() is not None
        seen = {"mapped", "slots"} if self._watched else set()
        seen |= {"held"} if self._watched and sees_memory() else set()
        self.capabilities = _REQUESTS | _SHOWN | vmm.capabilities | seen
        if vmm.one_each:
            self.capabilities |= {ONE_EACH}
        if faults and self._watched:
            self.capabilities |= vmm.failing
        self._machine: Machine | None = None
        self._host: HostSide | None = None

    def another(self) -> VmmTarget:
        """A target like this one, for another thread."""
        return VmmTarget(self.vmm, watched=self._watched, faults=self._faults)

    def failing(self) -> VmmTarget | None:
        """One like this whose host can fail; None where nothing of its host can be made to."""
        if not self._watched or not self.vmm.failing:
            return None
        return VmmTarget(self.vmm, faults=True)

    @property
    def pid(self) -> int:
        """The id of the VMM's process."""
        return self._started().pid

    def fitted(self, profile: Profile, config: Config) -> Config:
        return self.vmm.limits.fitted(config)

    def start(self, profile: Profile, config: Config) -> Observation:
        self.close()
        try:
            self._launch(config)
            return self._at_start(config)
        except DriverError as error:
            late = isinstance(error, DriverLate)
            log = "" if self._machine is None else self._machine.log()
            self.close()
            kind = Kind.HUNG if late else Kind.REFUSED
            raise TargetError(kind, str(error), error.log or log) from error

    def apply(self, action: ConcreteAction) -> Observation:
        machine = self._started()
        with self._failures(), self._meanwhile(action):
            done = Done(Answer.DONE)
            if action.op is Op.RESIZE:
                done = Done(machine.resize(action.value))
            elif action.op is Op.SYSTEM_RESET:
                machine.system_reset()
                self._set_up()
            elif action.op is Op.DEVICE_RESET:
                self._driver.reset()
                self._set_up()
            else:
                done = self._speech.ask(self._driver, action)
            return self._after(action, done)

    def together(self, asked: Sequence[Asked]) -> list[Observation]:
        self._started()
        with self._failures():
            done = self._speech.together(self._driver, asked)
            before = [only_answered(one) for one in done[:-1]]
            for one, seen in zip(asked, before, strict=False):
                self._memory.passed(one.action, seen)
            return [*before, self._after(asked[-1].action, done[-1])]

    def state(self) -> None:
        return None

    def close(self) -> None:
        machine, self._machine = self._machine, None
        host, self._host = self._host, None
        if host is not None:
            host.close()
        if machine is not None:
            machine.close()

    def _meanwhile(self, action: ConcreteAction) -> AbstractContextManager[None]:
        """While an action is carried out, what is to fail fails."""
        if action.faults == NO_FAULTS:
            return nullcontext()
        assert self._host is not None
        return self._host.failing(self.vmm.vcpu, action.faults)

    def _launch(self, config: Config) -> None:
        if self._watched:
            self._host = HostSide(config, self.vmm.slot(config))
        self._machine = self.vmm.start(config, self._host.prefix if self._host else ())
        if self._host is not None:
            self._host.settle(self._machine.pid, self.vmm.vcpu)
        self._driver = VirtioMem(self._machine.line, self._machine.transport())
        self._speech = Speech()
        self._set_up()

    def _set_up(self) -> None:
        if not self._driver.setup(unplugged_inaccessible=self.vmm.unplugged_inaccessible):
            raise DriverError("virtio-mem refuses the features that it offers")

    def _at_start(self, config: Config) -> Observation:
        machine = self._started()
        self._memory = GuestMemory(config, None, while_busy=True)
        if config.requested and machine.resize(config.requested) is not Answer.DONE:
            raise DriverError(f"the VMM refuses a requested size of {config.requested}")
        # What came while the driver was set up is no answer to anything.
        self._driver.config_notified()
        seen = self._seen(Done(Answer.DONE), None)
        want = Constants(block=config.block, addr=config.addr, region=config.region)
        if seen.constants != want:
            raise DriverError(f"the device has {seen.constants}, not {want}")
        layout = None if self._host is None else self._host.layout()
        return self._watched_too(replace(seen, slots=layout))

    def _watched_too(self, seen: Observation) -> Observation:
        """With what is seen from outside."""
        if self._host is None:
            return seen
        return replace(seen, mapped=self._host.mapped(), held=self._host.held(self._memory.touched))

    def _after(self, action: ConcreteAction, done: Done) -> Observation:
        """What is seen after an action."""
        notified: bool | None = self._driver.config_notified()
        if action.op in _RESETS or "notified" not in self.capabilities:
            # Where a VMM tells of it by MSI-X alone, nothing is seen.
            notified = None
        seen = self._seen(done, notified)
        memory = self._memory.tried(self._started().line, action, seen)
        return self._watched_too(replace(seen, memory=memory))

    def _seen(self, done: Done, notified: bool | None) -> Observation:
        return observed(self._driver.config(), done, notified)

    def _started(self) -> Machine:
        if self._machine is None:
            raise RuntimeError("the device was not started")
        return self._machine

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Tell a VMM that died, one that hangs and one that shows nonsense apart."""
        try:
            yield
        except DriverError as error:
            machine = self._started()
            late = isinstance(error, DriverLate)
            kind = Kind.HUNG if late else Kind.DIED if machine.ended else Kind.GARBAGE
            log = machine.log()
            self.close()
            raise TargetError(kind, str(error), log) from error
