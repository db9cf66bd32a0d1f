"""JUnit and SARIF: every theorem and check is a case, and what fails says why and where."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from report_documents import BUG, EXAMPLE, printed

from conformance.report.cases import Outcome, cases_of
from conformance.report.junit import junit
from conformance.report.sarif import sarif


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("prove")
    loaded: dict[str, Any] = json.loads(
        printed("prove", "default_block_covers_pages", "--json", place=place)
    )
    return loaded


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("check")
    target = ("--target", f"{EXAMPLE} --bug {BUG}", "--traces", "20")
    loaded: dict[str, Any] = json.loads(printed("check", *target, "--json", place=place))
    return loaded


def changed(proofs: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The proofs with fields of the theorem replaced."""
    other = deepcopy(proofs)
    other["theorems"][0].update(fields)
    return other


def outcome(document: dict[str, Any]) -> Outcome:
    return cases_of(document)[0].outcome


def test_a_theorem_passes_only_with_all_that_it_owes(proofs: dict[str, Any]) -> None:
    assert outcome(proofs) is Outcome.PASSED
    assert outcome(changed(proofs, verdict="refuted")) is Outcome.FAILED
    assert outcome(changed(proofs, verdict="vacuous")) is Outcome.FAILED
    assert outcome(changed(proofs, verdict="unknown")) is Outcome.OPEN
    assert outcome(changed(proofs, verdict="proven")) is Outcome.PASSED
    controls = proofs["theorems"][0]["controls"]
    assert outcome(changed(proofs, controls=[controls[0] | {"verdict": "unknown"}])) is Outcome.OPEN
    need = {"hypothesis": "h", "confirmed": False}
    assert outcome(changed(proofs, necessity=[need])) is Outcome.FAILED


def test_junit_counts_what_it_holds(proofs: dict[str, Any], failing: dict[str, Any]) -> None:
    unknown = changed(proofs, verdict="unknown", reason="a query took too long")
    unknown["lemmas"] = []
    skipped = deepcopy(failing) | {"not_asked": ["wake-up"]}
    root = ElementTree.fromstring(junit([proofs, unknown, skipped]))
    assert root.attrib | {"time": ""} == {
        "name": "slotproof",
        "tests": str(1 + len(proofs["lemmas"]) + 3),
        "failures": "1",
        "errors": "1",
        "skipped": "1",
        "time": "",
    }
    for word in ("failure", "error", "skipped"):
        assert len(root.findall(f"./testsuite/testcase/{word}")) == 1
    case = root.find("./testsuite/testcase")
    assert case is not None
    assert case.get("name") == "default_block_covers_pages"
    assert float(case.get("time", "")) == pytest.approx(proofs["theorems"][0]["seconds"], abs=1e-3)
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("type") == failing["failure"]["finding"]["what"]
    assert failing["failure"]["replay"] in failure.get("message", "")


def test_junit_is_xml_whatever_a_target_is_called(failing: dict[str, Any]) -> None:
    odd = deepcopy(failing) | {"target": 'cmd:<&"\x00\x1b'}
    (suite,) = ElementTree.fromstring(junit([odd]))
    assert suite.get("name") == 'check cmd:<&"\ufffd\ufffd against qemu'


def test_sarif_points_to_the_failing_step(failing: dict[str, Any]) -> None:
    (run,) = sarif([failing])["runs"]
    (result,) = run["results"]
    found = failing["failure"]["finding"]
    assert (result["ruleId"], result["kind"], result["level"]) == (found["what"], "fail", "error")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    place = result["locations"][0]["physicalLocation"]
    trace = Path(failing["failure"]["trace"])
    assert place["artifactLocation"]["uri"] == trace.as_uri()
    line = trace.read_text().splitlines()[place["region"]["startLine"] - 1]
    assert json.loads(line)["step"] == found["step"]


def test_sarif_holds_nothing_that_passed(proofs: dict[str, Any]) -> None:
    assert sarif([proofs])["runs"][0]["results"] == []
    (result,) = sarif([changed(proofs, verdict="unknown")])["runs"][0]["results"]
    assert (result["kind"], result["level"]) == ("open", "none")


def test_memslot_decisions_are_cases(failing: dict[str, Any]) -> None:
    decided = {"configurations": 7, "differences": []}
    assert outcome(deepcopy(failing) | {"decisions": decided}) is Outcome.PASSED
    differing = deepcopy(failing) | {"decisions": decided | {"differences": ["a: 1, b: 2"]}}
    case = cases_of(differing)[0]
    assert (case.outcome, case.message) == (Outcome.FAILED, "a: 1, b: 2")
