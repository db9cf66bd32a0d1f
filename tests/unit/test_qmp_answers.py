"""What is made of the answers of a running QEMU that no test can start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from conformance.metadata.live import switches_of, vhosts_of

ANON: list[tuple[str, str]] = [("device[0]", "child<vhost-vsock-pci>")]


class Recorded:
    """A QEMU with these children of its peripheral folders, and a network device of a back end."""

    def __init__(self, *, started: bool, network: str, commands: bool = True) -> None:
        self.started = started
        self.network = network
        self.commands = commands

    def __call__(self, command: str, arguments: Mapping[str, object]) -> Any:
        place = str(arguments.get("path", ""))
        match command, place:
            case "qom-list", "/machine/peripheral-anon":
                return [{"name": name, "type": kind} for name, kind in ANON]
            case "qom-list", "/machine/peripheral":
                return [
                    {"name": "type", "type": "string"},
                    {"name": "fs0", "type": "child<vhost-user-fs-pci>"},
                    {"name": "net0", "type": "child<virtio-net-pci>"},
                ]
            case "query-commands", _:
                return [{"name": "x-query-virtio"}] if self.commands else []
            case "x-query-virtio", _:
                return [{"name": "virtio-net", "path": "/machine/peripheral/net0/virtio-backend"}]
            case "x-query-virtio-status", _:
                return {"vhost-started": self.started}
            case "human-monitor-command", _:
                return self.network
        raise AssertionError(command)


OTHERS = [("fs0", "vhost-user"), ("vhost-vsock-pci", "vhost")]


@pytest.mark.parametrize(
    ("qemu", "found"),
    [
        (Recorded(started=False, network="type=tap"), []),
        (Recorded(started=True, network="type=tap,ifname=tap0"), [("net0", "vhost")]),
        (Recorded(started=True, network="type=vhost-user"), [("net0", "vhost-user")]),
        (Recorded(started=True, network="type=tap", commands=False), []),
    ],
)
def test_vhost_devices_are_known_by_their_types(
    qemu: Recorded, found: list[tuple[str, str]]
) -> None:
    assert sorted(vhosts_of(qemu)) == sorted(OTHERS + found)


@pytest.mark.parametrize(("smm", "on"), [("auto", True), ("on", True), ("off", False)])
def test_the_machine_says_whether_it_has_smm(smm: str, on: bool) -> None:
    def qmp(command: str, arguments: Mapping[str, object]) -> Any:
        if command == "qom-list":
            return [{"name": "smm"}]
        return smm

    assert switches_of(qmp).smm is on
    assert switches_of(qmp).private is None


def test_a_machine_without_smm_says_nothing_of_it() -> None:
    assert switches_of(lambda command, arguments: []).smm is None
