"""`check --driver`: wrong use in one line, what is kept, and what it prints."""

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from driver_player import Player

from conformance.cli import slotproof
from conformance.commands import check_driver
from conformance.commands.driver_options import DriverWish
from conformance.drive.lists import event_list
from conformance.drive.run import run_list
from conformance.traces.driven import DrivenError, read_driven, save_driven
from conformance.traces.schemas import problem


def run(*words: str) -> Result:
    result = CliRunner().invoke(slotproof, ["check", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--driver linux --profile qemu", "--profile is about a device"),
        ("--driver linux --oracle virtio", "--oracle is about a device"),
        ("--driver linux --target reference", "runs no guest: expected qemu or qemu:PATH"),
        ("--driver windows", "'windows' is not 'linux'"),
        ("--kernel here", "--kernel is about a driver"),
        ("--events README", "--events is about a driver"),
        ("--only driver-reacts", "driver-reacts is a rule of a driver: expected --driver linux"),
        ("--driver linux --only plug-may-busy", "plug-may-busy is no rule of a driver"),
        ("--driver linux --only no-rule", "no scenario or rule 'no-rule'"),
        ("--driver linux --events README", "no run of a driver"),
        ("--driver linux --target qemu:/none", "no QEMU found as '/none'"),
    ],
)
def test_wrong_use_is_one_line(words: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "README").write_text("no run")
    found = [str(tmp_path / word) if word == "README" else word for word in words.split()]
    result = run(*found, "--failures", str(tmp_path))
    assert result.exit_code == 2 and result.stdout == ""
    assert told in result.stderr.splitlines()[-1]


@pytest.fixture
def player(monkeypatch: pytest.MonkeyPatch) -> Player:
    """What the command then opens instead of a guest."""
    player = Player()

    def opened(wish: DriverWish) -> tuple[Player, Path]:
        return player, Path("qemu")

    monkeypatch.setattr(check_driver, "opened_driver", opened)
    monkeypatch.setattr(check_driver, "qemu_version", lambda binary: "10.0.2")
    return player


def test_a_driver_that_holds(player: Player, tmp_path: Path) -> None:
    result = run("--driver", "linux", "--failures", str(tmp_path))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "checked driver player 1 on qemu 10.0.2, seed 0"
    assert lines[1] == "  lists             5"
    assert lines[-1] == "holds: no binding rule of a driver violated in the cases counted"
    assert list(tmp_path.iterdir()) == []


def test_a_driver_that_fails_is_made_small_kept_and_run_again(
    player: Player, tmp_path: Path
) -> None:
    player.fault = "unplugs-more"
    result = run("--driver", "linux", "--failures", str(tmp_path))
    assert result.exit_code == 1
    (kept,) = tmp_path.glob("driver-*.json")
    run_ = read_driven(kept)
    assert run_.found is not None and run_.found.what == "driver-unplugs-no-more"
    assert f"fails: driver-unplugs-no-more: {run_.found.message}, kept as {kept}" in result.stdout
    (again,) = (line for line in result.stdout.splitlines() if line.startswith("  again: "))
    words = shlex.split(again.removeprefix("  again: slotproof check "))
    assert run(*words, "--failures", str(tmp_path)).exit_code == 1
    player.fault = ""
    assert run(*words, "--failures", str(tmp_path)).exit_code == 0


def test_a_fault_that_is_known_passes_and_one_that_is_gone_fails(
    player: Player, tmp_path: Path
) -> None:
    known = tmp_path / "known.toml"
    known.write_text('[[expected]]\nid = "driver-unplugs-no-more"\nreason = "slack"\nsince = "1"\n')
    words = ("--driver", "linux", "--failures", str(tmp_path), "--expect", str(known))
    player.fault = "unplugs-more"
    result = run(*words)
    assert result.exit_code == 0 and ", as expected, first in list" in result.stdout
    player.fault = ""
    result = run(*words)
    assert result.exit_code == 1
    assert "fails: driver-unplugs-no-more: no longer fails: slack (since 1)" in result.stdout


@pytest.mark.parametrize("fault", ["", "unplugs-more", "ignores-resize"])
def test_the_document_keeps_its_schema(fault: str, player: Player, tmp_path: Path) -> None:
    player.fault = fault
    result = run("--driver", "linux", "--json", "--failures", str(tmp_path))
    told = json.loads(result.stdout)
    assert problem(told, "check-driver-v1.json") is None
    assert (told["verdict"], result.exit_code) in (("holds", 0), ("fails", 1))
    # A SHOULD is told of and fails nothing.
    assert (told["verdict"] == "fails") == (fault == "unplugs-more")
    broken = {rule["id"] for rule in told["rules"] if rule["broken"]}
    assert broken == {"": set(), "unplugs-more": {"driver-unplugs-no-more"}}.get(
        fault, {"driver-reacts"}
    )


def test_only_one_rule_decides(player: Player, tmp_path: Path) -> None:
    player.fault = "ignores-resize"
    words = ("--driver", "linux", "--failures", str(tmp_path), "--only", "driver-reacts")
    result = run(*words)
    assert result.exit_code == 1 and "fails: driver-reacts: " in result.stdout


def test_a_file_that_is_no_run_is_told(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"setup": {"region": 1, "block": 1}, "events": [], "format": "x"}')
    with pytest.raises(DrivenError, match="'x' 1: expected version 1"):
        read_driven(other)
    with pytest.raises(DrivenError, match="no such file"):
        read_driven(tmp_path / "none")


def test_a_run_comes_back_from_its_file(player: Player, tmp_path: Path) -> None:
    done = run_list(player, event_list(1, 1, 12, player.able), frozenset()).run
    assert len(done.seen) > 10
    path = save_driven(done, tmp_path)
    assert read_driven(path) == done and save_driven(done, tmp_path) == path
