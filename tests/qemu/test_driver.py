"""The QEMU driver: processes that start, fail and end; requests, configuration and memslots."""

import os
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from killed import Told, ended, killed

from conformance.targets.driver.bus import DriverError, read_bytes, write_bytes
from conformance.targets.driver.device import DeviceConfig, VirtioMem
from conformance.targets.qemu import migration
from conformance.targets.qemu.machine import machine_args
from conformance.targets.qemu.process import (
    QemuError,
    QemuProcess,
    QmpRefused,
    find_qemu,
    qemu_version,
)
from conformance.targets.qemu.qtest import QtestSocket, qtest_driver
from conformance.targets.qemu.slots import Qmp, all_mapped_slots, mapped_slots, slot_sizes

MIB, GIB = 1 << 20, 1 << 30
REGION, REQUESTED = 4 * GIB, 3 * GIB
USABLE = REQUESTED + 256 * MIB
"""QEMU's `virtio_mem_resize_usable_region` on x86: 256 MiB over the requested size."""

PLUG, UNPLUG, UNPLUG_ALL, STATE = range(4)
ACK, NACK, _BUSY, ERROR = range(4)
PLUGGED, UNPLUGGED, MIXED = range(3)
PATIENCE = 600.0
"""Seconds that the driver would wait where it does not see that QEMU is gone."""


@dataclass(frozen=True)
class Machine:
    """A started QEMU and the ways into it."""

    process: QemuProcess
    qtest: QtestSocket
    driver: VirtioMem

    def ask(self, kind: int, block: int = 0, blocks: int = 0) -> tuple[int, int]:
        """Response type and state, for a request that starts at a block number."""
        config = self.driver.config()
        answer = self.driver.request(payload(kind, config.addr + block * config.block_size, blocks))
        assert answer is not None and len(answer) == 10
        return tuple(struct.unpack("<H6xH", answer))

    def slots(self) -> dict[int, tuple[int, int]]:
        return mapped_slots(self.process.qmp)


def payload(kind: int, address: int = 0, blocks: int = 0) -> bytes:
    """VIRTIO 5.15.6, `struct virtio_mem_req`."""
    return struct.pack("<H6xQH6x", kind, address, blocks)


@pytest.fixture
def args() -> list[str]:
    return machine_args(region=REGION, requested=REQUESTED)


@pytest.fixture
def machine(qemu_binary: Path, args: list[str]) -> Iterator[Machine]:
    with QemuProcess(qemu_binary, args, call_timeout=PATIENCE) as process:
        qtest = QtestSocket(process, timeout=PATIENCE)
        driver = qtest_driver(qtest, timeout=PATIENCE)
        assert driver.setup()
        yield Machine(process, qtest, driver)


@pytest.fixture
def block(machine: Machine) -> int:
    return machine.driver.config().block_size


def script(directory: Path, text: str) -> Path:
    path = directory / "fake-qemu"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def failure(work: Callable[[], object]) -> str:
    """The one line of the `DriverError` that `work` raises before its patience ends."""
    start = time.monotonic()
    with pytest.raises(DriverError) as caught:
        work()
    assert time.monotonic() - start < PATIENCE / 10
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Processes


def test_stopping_leaves_neither_process_nor_files(
    qemu_binary: Path, args: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with QemuProcess(qemu_binary, args) as process:
        assert process.qmp("query-status")["status"] == "prelaunch"
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_an_error_inside_the_context_stops_qemu_too(qemu_binary: Path, args: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt), QemuProcess(qemu_binary, args) as process:
        raise KeyboardInterrupt
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_version_is_a_number(qemu_binary: Path) -> None:
    assert qemu_version(qemu_binary)[0].isdigit()


def test_killed_qemu_fails_every_call_soon(machine: Machine) -> None:
    os.kill(machine.process.pid, signal.SIGKILL)
    for work in (
        lambda: machine.process.qmp("query-status"),
        lambda: machine.process.wait_event("RESET", PATIENCE),
        lambda: machine.ask(STATE, 0, 1),
        machine.driver.reset,
    ):
        assert "ended by SIGKILL" in failure(work)


def test_qemu_that_quits_is_reported_with_its_status(machine: Machine) -> None:
    machine.process.qmp("quit")
    assert "exited with status 0" in failure(lambda: machine.process.wait_event("RESET", PATIENCE))


def test_hung_qemu_fails_at_the_deadline_and_is_reaped(qemu_binary: Path, args: list[str]) -> None:
    with QemuProcess(qemu_binary, args, call_timeout=0.2) as process:
        qtest = QtestSocket(process, timeout=0.2)
        os.kill(process.pid, signal.SIGSTOP)
        assert "within 0.2 s" in failure(lambda: process.qmp("query-status"))
        assert "still running" in failure(lambda: qtest_driver(qtest).setup())
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_late_answer_is_not_taken_for_the_next_ones(qemu_binary: Path, args: list[str]) -> None:
    with QemuProcess(qemu_binary, args) as process:
        qtest = QtestSocket(process, timeout=0.2)
        os.kill(process.pid, signal.SIGSTOP)
        failure(lambda: process.qmp("query-version", timeout=0.2))
        failure(lambda: qtest_driver(qtest).setup())
        os.kill(process.pid, signal.SIGCONT)
        assert "status" in process.qmp("query-status")
        assert "earlier failure" in failure(lambda: qtest_driver(qtest).setup())


def test_bad_property_is_reported_in_qemus_words(qemu_binary: Path) -> None:
    args = machine_args(region=REGION, requested=0, device_options="nonsense=on")
    message = failure(lambda: QemuProcess(qemu_binary, args).__enter__())
    assert "exited with status 1" in message and "'virtio-mem-pci.nonsense' not found" in message


def test_program_that_ends_at_once() -> None:
    assert "true did not start" in failure(lambda: QemuProcess(Path("true"), []).__enter__())


def test_program_that_cannot_be_started(tmp_path: Path) -> None:
    process = QemuProcess(tmp_path / "absent", [])
    assert "No such file" in failure(lambda: process.__enter__())


def test_program_that_never_connects(tmp_path: Path) -> None:
    process = QemuProcess(script(tmp_path, "exec sleep 60"), [], start_timeout=0.2)
    message = failure(lambda: process.__enter__())
    assert "did not start within 0.2 s" in message and "still running" in message


def test_missing_qemu_says_how_to_get_one() -> None:
    assert "bookworm-backports" in failure(lambda: find_qemu("/nonexistent/qemu"))


def test_qemu_without_dynamic_memslots_is_refused(tmp_path: Path) -> None:
    old = script(tmp_path, "echo block-size=size")
    assert "8.2 or later" in failure(lambda: find_qemu(str(old)))


def test_program_that_is_no_qemu_has_no_version(tmp_path: Path) -> None:
    other = script(tmp_path, "echo something else")
    assert "does not say" in failure(lambda: qemu_version(other))


def test_refused_qtest_command_leaves_the_connection_usable(machine: Machine) -> None:
    assert "FAIL" in failure(lambda: machine.qtest.ask("nonsense\n"))
    assert machine.ask(STATE, 0, 1) == (ACK, UNPLUGGED)


def test_two_machines_at_the_same_time(qemu_binary: Path, args: list[str]) -> None:
    def plug_some(blocks: int) -> tuple[int, int]:
        with QemuProcess(qemu_binary, args) as process:
            machine = Machine(process, qtest := QtestSocket(process), qtest_driver(qtest))
            assert machine.driver.setup()
            for number in range(blocks):
                assert machine.ask(PLUG, number, 1) == (ACK, 0)
            return process.pid, machine.driver.config().plugged_size // blocks

    with ThreadPoolExecutor(2) as pool:
        (pid_a, size_a), (pid_b, size_b) = pool.map(plug_some, (20, 30))
    assert pid_a != pid_b and size_a == size_b > 0


# QMP


def test_refused_command_leaves_qemu_usable(machine: Machine) -> None:
    path = "/machine/peripheral/vm0"
    command = {"path": path, "property": "requested-size", "value": 1}
    with pytest.raises(QmpRefused, match="requested-size"):
        machine.process.qmp("qom-set", command)
    machine.process.qmp("qom-set", command | {"value": GIB})
    assert machine.driver.config().requested_size == GIB


def test_system_reset_is_an_event_and_needs_a_new_setup(machine: Machine) -> None:
    assert machine.ask(PLUG, 0, 1) == (ACK, 0)
    machine.process.qmp("system_reset")
    assert machine.process.wait_event("RESET", PATIENCE)["event"] == "RESET"
    assert "was reset" in failure(lambda: machine.driver.request(payload(UNPLUG_ALL)))
    assert "not mapped" in failure(machine.driver.config)
    assert machine.driver.setup()
    assert machine.ask(STATE, 0, 1) == (ACK, UNPLUGGED)
    assert "no QMP event RESET within" in failure(lambda: machine.process.wait_event("RESET", 0.1))


# Requests and configuration


def test_configuration_at_start(machine: Machine, block: int) -> None:
    config = machine.driver.config()
    assert config == DeviceConfig(
        block_size=block,
        node_id=0,
        addr=config.addr,
        region_size=REGION,
        usable_region_size=USABLE,
        plugged_size=0,
        requested_size=REQUESTED,
    )
    (memory,) = machine.process.qmp("query-memory-devices")
    assert (memory["data"]["block-size"], memory["data"]["memaddr"]) == (block, config.addr)


def test_answers_follow_the_blocks(machine: Machine, block: int) -> None:
    assert machine.ask(STATE, 3, 2) == (ACK, UNPLUGGED)
    assert machine.ask(PLUG, 3, 2) == (ACK, 0)
    assert machine.ask(STATE, 3, 2) == (ACK, PLUGGED)
    assert machine.ask(STATE, 4, 2) == (ACK, MIXED)
    assert machine.ask(PLUG, 4, 1) == (ERROR, 0)
    assert machine.driver.config().plugged_size == 2 * block
    assert machine.ask(UNPLUG, 3, 1) == (ACK, 0)
    assert machine.driver.config().plugged_size == block
    assert machine.ask(UNPLUG_ALL) == (ACK, 0)
    assert machine.ask(STATE, 0, USABLE // block) == (ACK, UNPLUGGED)
    assert machine.ask(STATE, 0, USABLE // block + 1) == (ERROR, 0)
    assert machine.driver.config().plugged_size == 0


def test_more_than_requested_is_not_plugged(machine: Machine, block: int) -> None:
    assert machine.ask(PLUG, 0, REQUESTED // block + 1) == (NACK, 0)


def test_queue_and_index_wrap(machine: Machine) -> None:
    for number in range(300):
        assert machine.ask(STATE, number, 1) == (ACK, UNPLUGGED)


def test_response_buffer_may_be_larger(machine: Machine) -> None:
    answer = machine.driver.request(payload(UNPLUG_ALL), response_space=64)
    assert answer == bytes(10)


@pytest.mark.parametrize(
    ("request_bytes", "space"),
    [
        (payload(9), 10),
        (payload(STATE)[:-1], 10),
        (payload(STATE), 9),
        (payload(STATE), 0),
        (b"", 10),
    ],
    ids=["unknown type", "short request", "short response", "no response", "no request"],
)
def test_violation_breaks_the_device_until_reset(
    machine: Machine, request_bytes: bytes, space: int
) -> None:
    assert machine.ask(PLUG, 0, 1) == (ACK, 0)
    assert machine.driver.request(request_bytes, space) is None
    assert machine.driver.request(payload(UNPLUG_ALL)) is None
    machine.driver.reset()
    assert machine.driver.setup()
    assert machine.ask(STATE, 0, 1) == (ACK, PLUGGED)


def test_no_request_without_setup(machine: Machine) -> None:
    machine.driver.reset()
    assert "setup() comes first" in failure(lambda: machine.driver.request(payload(UNPLUG_ALL)))


@pytest.mark.parametrize(("request_size", "space"), [(0, 0), (5000, 10), (24, 5000)])
def test_impossible_buffers_are_the_callers_mistake(
    machine: Machine, request_size: int, space: int
) -> None:
    with pytest.raises(ValueError, match="over 0"):
        machine.driver.request(bytes(request_size), space)
    assert machine.ask(UNPLUG_ALL) == (ACK, 0)


def test_nothing_is_read_before_setup(qemu_binary: Path, args: list[str]) -> None:
    with QemuProcess(qemu_binary, args) as process:
        driver = qtest_driver(QtestSocket(process))
        for work in (driver.reset, driver.config, lambda: driver.request(payload(UNPLUG_ALL))):
            assert "setup() comes first" in failure(work)


def test_unplugged_inaccessible_must_be_accepted(machine: Machine) -> None:
    assert not machine.driver.setup(unplugged_inaccessible=False)
    assert "setup() comes first" in failure(lambda: machine.driver.request(payload(UNPLUG_ALL)))


def test_feature_that_is_not_offered(qemu_binary: Path) -> None:
    options = "dynamic-memslots=off,unplugged-inaccessible=off"
    args = machine_args(region=REGION, requested=GIB, device_options=options)
    with QemuProcess(qemu_binary, args) as process:
        driver = qtest_driver(QtestSocket(process))
        assert "offers" in failure(driver.setup)
        assert driver.setup(unplugged_inaccessible=False)
        assert driver.request(payload(UNPLUG_ALL)) == bytes(10)


def test_machine_without_the_device(qemu_binary: Path, args: list[str]) -> None:
    without = args[: args.index("-device")]
    with QemuProcess(qemu_binary, without) as process:
        driver = qtest_driver(QtestSocket(process))
        assert "no virtio-mem behind 00:04.0" in failure(driver.setup)


# Memslots


def test_slots_are_mapped_while_they_have_plugged_blocks(machine: Machine, block: int) -> None:
    per_slot = GIB // block
    assert slot_sizes(machine.process.qmp) == dict.fromkeys(range(4), GIB)
    assert machine.slots() == {}
    assert machine.ask(PLUG, 2 * per_slot + 1, 1) == (ACK, 0)
    assert machine.slots() == {2: (2 * GIB, GIB)}
    assert machine.ask(PLUG, per_slot - 1, 2) == (ACK, 0)
    assert machine.slots() == {number: (number * GIB, GIB) for number in range(3)}
    assert machine.ask(UNPLUG, per_slot - 1, 1) == (ACK, 0)
    assert machine.slots() == {1: (GIB, GIB), 2: (2 * GIB, GIB)}
    assert machine.ask(UNPLUG_ALL) == (ACK, 0)
    assert machine.slots() == {}


def test_plugged_memory_can_be_accessed(machine: Machine) -> None:
    address = machine.driver.config().addr
    data = bytes(range(256))

    def round_trip() -> bytes:
        machine.qtest.exchange(write_bytes(address, data))
        return machine.qtest.exchange(read_bytes(address, len(data)))[0]

    assert round_trip() == bytes(len(data))
    assert machine.ask(PLUG, 0, 1) == (ACK, 0)
    assert round_trip() == data


def test_last_slot_may_be_smaller(qemu_binary: Path) -> None:
    args = machine_args(region=2 * GIB + 512 * MIB, requested=GIB)
    with QemuProcess(qemu_binary, args) as process:
        assert slot_sizes(process.qmp) == {0: GIB, 1: GIB, 2: 512 * MIB}


def test_without_dynamic_memslots_there_is_nothing_to_list(qemu_binary: Path) -> None:
    args = machine_args(region=REGION, requested=GIB, device_options="dynamic-memslots=off")
    with QemuProcess(qemu_binary, args) as process:
        assert slot_sizes(process.qmp) == {}
        assert "dynamic memslots" in failure(lambda: mapped_slots(process.qmp))


TREE = """address-space: {name}
  0000000100000000-00000001ffffffff (prio 0, i/o): device-memory
    0000000100000000-00000001ffffffff (prio 0, i/o): virtio-mem
      0000000140000000-000000017fffffff (prio 0, ram): alias memslot-1 @mem0 {first}-{last}
    0000000140000000-000000017fffffff (prio 0, ram): alias memslot-7 @mem0 {first}-{last}
"""
RIGHT = {"first": "0000000040000000", "last": "000000007fffffff"}


def shows(tree: str) -> Qmp:
    def qmp(command: str, arguments: Mapping[str, object]) -> str:
        return tree

    return qmp


def test_only_slots_inside_the_container_are_read() -> None:
    tree = TREE.format(name="a", **RIGHT) + "\n" + TREE.format(name="b", **RIGHT)
    assert mapped_slots(shows(tree)) == {1: (GIB, GIB)}


@pytest.mark.parametrize(
    "wrong", [RIGHT | {"first": "0000000000000000"}, RIGHT | {"last": "00000000bfffffff"}]
)
def test_slot_that_shows_another_part_of_the_backend(wrong: dict[str, str]) -> None:
    with pytest.raises(QemuError, match="memslot 1 at 0x40000000 shows another part"):
        mapped_slots(shows(TREE.format(name="a", **wrong)))


def test_slots_of_two_devices_are_kept_apart() -> None:
    one = TREE.format(name="a", **RIGHT)
    other = one.replace("memslot-1 ", "memslot-2 ").replace(
        "0000000100000000-00000001ffffffff (prio 0, i/o): virtio-mem",
        "0000000140000000-00000001ffffffff (prio 0, i/o): virtio-mem",
    )
    other = other.replace(RIGHT["first"] + "-" + RIGHT["last"], f"{0:016x}-{GIB - 1:016x}")
    both = shows(one + "\n" + other)
    assert all_mapped_slots(both) == {4 * GIB: {1: (GIB, GIB)}, 5 * GIB: {2: (0, GIB)}}
    assert "2 virtio-mem containers" in failure(lambda: mapped_slots(both))


def test_address_spaces_that_disagree() -> None:
    full = TREE.format(name="a", **RIGHT)
    empty = "\n".join(line for line in full.splitlines() if "memslot" not in line)
    with pytest.raises(QemuError, match="disagree"):
        mapped_slots(shows(full + "\n" + empty))


def test_a_migration_is_held_open_until_it_is_to_end(machine: Machine, tmp_path: Path) -> None:
    """QEMU waits: however long the steps between take, the device stays busy."""
    stream = migration.Stream(tmp_path / "stream", piped=False)
    migration.start(machine.process, stream)
    while machine.process.qmp("query-migrate")["status"] == "active":
        pass
    assert machine.process.qmp("query-migrate")["status"] == "pre-switchover"
    assert machine.ask(PLUG, 0, 1)[0] == _BUSY
    migration.cancel(machine.process, stream)
    assert machine.ask(PLUG, 0, 1)[0] == ACK
    migration.finish(machine.process, stream)
    assert stream.path.stat().st_size > 0


def test_a_qemu_ends_with_a_checker_that_is_killed(qemu_binary: Path, tmp_path: Path) -> None:
    told = Told(tmp_path / "pid")
    script = (
        "import signal; from pathlib import Path\n"
        "from conformance.targets.qemu.process import QemuProcess\n"
        f"with QemuProcess(Path({str(qemu_binary)!r}), ['-machine', 'none', '-S']) as qemu:\n"
        f"    {told.says('qemu.pid')}\n"
        "    signal.pause()"
    )
    try:
        assert all(map(ended, killed([sys.executable, "-c", script], told)))
    finally:
        told.close()
