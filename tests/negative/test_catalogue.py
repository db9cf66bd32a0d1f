"""The catalogue of wrong devices: what the page says of it, and a sample of it found now."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.check.campaign import check
from conformance.check.catalogue import JUDGE, caught, faults, opened
from conformance.check.scenarios import SCENARIO_NAMED
from conformance.cli import slotproof
from conformance.judge.finding import Kind
from conformance.judge.oracle import FIELDS
from conformance.judge.virtio.rules import RULE_NAMED
from conformance.traces.schemas import problem
from model.profiles import QEMU

ROOT = Path(__file__).parents[2]
RECORDED = json.loads((ROOT / "docs" / "catalogue.json").read_text())
FAULTS = {fault.name: fault for fault in faults()}
SAMPLE = (
    *("short-last-merged", "checks-nothing", "maps-ends-only", "short-last-stays-mapped"),
    *("below-the-region", "across-memslots-refused", "unknown-kills", "huge-size-wraps"),
    *("migration-drops-writes", "unplug-all-fails-late", "not-given-back", "told-one-short"),
)


def test_there_are_at_least_sixty_and_each_says_what_finds_it() -> None:
    assert len(FAULTS) >= 60
    kinds = {kind.value for kind in Kind}
    for fault in FAULTS.values():
        assert fault.says.endswith(".") and fault.found_by
        known = {*RULE_NAMED, *SCENARIO_NAMED, *FIELDS, *kinds}
        assert set(fault.found_by) <= known, fault.name


def test_the_recorded_searches_are_of_these_faults_and_found_every_one() -> None:
    """To bring it up to date: make catalogue."""
    assert problem(RECORDED, "catalogue-v1.json") is None
    searches = RECORDED["searches"]
    seeds = {search["seed"] for search in searches}
    assert len(seeds) == 5
    assert {(s["fault"], s["seed"]) for s in searches} == {(f, s) for f in FAULTS for s in seeds}
    for search in searches:
        fault = FAULTS[search["fault"]]
        assert (search["says"], search["due"]) == (fault.says, list(fault.found_by))
        assert {search["found_by"], search["scenario"]} & set(fault.found_by), search
        assert search["traces"] <= 100
    assert RECORDED["verdict"] == "holds"
    assert RECORDED["median_traces"] <= 5 and RECORDED["median_steps"] <= 3


@pytest.mark.parametrize("name", SAMPLE)
def test_a_fault_is_found_and_made_small(name: str) -> None:
    found = caught(FAULTS[name], seed=11, traces=100, steps=60)
    assert found.right, found
    assert found.steps <= 6


def test_the_right_device_is_not_found() -> None:
    with closing(opened(None)) as target:
        report = check(target, QEMU, seed=3, traces=25, steps=60, judge=JUDGE)
    assert report.finding is None
    assert report.to_refuse == 5


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(slotproof, ["check", *arguments])
    return result.exit_code, result.output


def test_a_right_device_unlike_qemu_holds_the_text_and_says_what_was_not_judged(
    tmp_path: Path,
) -> None:
    small = f"cmd:python3 {ROOT / 'docs' / 'wrong_devices'} --small"
    arguments = ["--target", small, "--traces", "40", "--failures", str(tmp_path)]
    code, text = run(*arguments, "--oracle", "virtio", "--needs")
    assert code == 0, text
    assert "  never exercised   " in text and " cannot be judged" in text
    assert "the target has no device with the option off: option-off, readable-memory" in text
    # A profile is another device: it differs at its start, and the text allows that.
    code, text = run(*arguments)
    assert code == 1
    assert "VIRTIO allows this: with --oracle virtio it is no failure" in text


def test_the_command_prints_a_line_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    some = [FAULTS["never-unmaps"], FAULTS["resize-before-driver-lost"]]
    monkeypatch.setattr("conformance.commands.check_catalogue.faults", lambda: some)
    code, text = run("--catalogue", "--traces", "30")
    assert code == 0, text
    assert text.splitlines()[0].split() == ["fault", "seed", "traces", "steps", "found", "by"]
    assert "holds: 2 of 2 searches for 2 faults ended as due" in text


def test_a_fault_that_is_not_found_fails_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = FAULTS["only-thousand-turns"]
    monkeypatch.setattr("conformance.commands.check_catalogue.faults", lambda: [fault])
    monkeypatch.setattr("conformance.check.catalogue.SCENARIOS", ())
    code, text = run("--catalogue", "--traces", "2")
    assert code == 1
    assert "nothing, where memslots-reused is due" in text


def test_without_the_source_tree_there_is_no_catalogue(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = tmp_path / "none"
    monkeypatch.setattr("conformance.commands.check_catalogue.faults", lambda: faults(gone))
    code, text = run("--catalogue")
    assert code == 2 and "the catalogue comes with the source tree" in text
