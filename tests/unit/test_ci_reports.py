"""JUnit and SARIF: every theorem and check is a case, and what fails says why and where."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from report_documents import BUG, EXAMPLE, driver_document, printed, run

from conformance.judge.virtio.rules import RULE_NAMED
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


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("cmd:/no/such/device", "cannot start /no/such/device: no such file or directory"),
        ("cmd:true", "the target ended with exit status 0"),
    ],
)
def test_a_device_that_does_not_start_is_in_every_report(
    target: str, told: str, tmp_path: Path
) -> None:
    xml, log = tmp_path / "check.xml", tmp_path / "check.sarif"
    result = run("check", "--target", target, "--json", "--junit", xml, "--sarif", log)
    assert result.exit_code == 2 and told in result.stderr
    assert told in json.loads(result.stdout)["failure"]["finding"]["message"]
    (failure,) = ElementTree.parse(xml).iter("failure")
    assert told in failure.attrib["message"]
    (found,) = json.loads(log.read_text())["runs"][0]["results"]
    assert told in found["message"]["text"]


def test_a_failing_trace_has_its_rule_and_its_line(failing: dict[str, Any]) -> None:
    root = ElementTree.fromstring(junit([failing]))
    (case,) = (case for case in root.iter("testcase") if case.find("failure") is not None)
    step = failing["failure"]["finding"]["step"]
    assert (case.get("file"), case.get("line")) == (failing["failure"]["trace"], str(step + 1))
    claim = failing["failure"]["claim"]
    assert claim in str(case.findtext("failure"))
    run = sarif([failing])["runs"][0]
    assert claim in [rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"]]


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


def test_junit_has_no_time_where_nobody_measured(
    proofs: dict[str, Any], failing: dict[str, Any]
) -> None:
    def timed(document: dict[str, Any]) -> set[bool]:
        return {"time" in each.attrib for each in ElementTree.fromstring(junit([document])).iter()}

    assert timed(failing) == {False}
    assert True in timed(proofs)


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


def test_junit_says_what_was_remembered(proofs: dict[str, Any]) -> None:
    told = changed(proofs, remembered="2026-01-31") | {"remembered": 1, "decided": 0}
    told |= {"oldest": "2026-01-31", "lemmas": []}
    (suite,) = ElementTree.fromstring(junit([told]))
    properties = {p.get("name"): p.get("value") for p in suite.iter("property")}
    assert properties == {"remembered": "1", "decided": "0", "oldest": "2026-01-31"}
    assert [e.text for e in suite.iter("system-out")] == ["remembered from 2026-01-31"]
    fresh = changed(told, remembered=None)
    assert b"system-out" not in junit([fresh])


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


def test_a_sarif_rule_says_what_it_asks(failing: dict[str, Any], proofs: dict[str, Any]) -> None:
    unknown = changed(proofs, verdict="unknown")
    rules = sarif([failing, unknown])["runs"][0]["tool"]["driver"]["rules"]
    says = {rule["id"]: rule["shortDescription"]["text"] for rule in rules}
    assert says == {
        failing["failure"]["finding"]["what"]: failing["failure"]["claim"],
        "default_block_covers_pages": proofs["theorems"][0]["claim"],
    }
    broken = {"id": "used-length", "verdict": "unexpected pass", "message": ""}
    told = failing | {"failure": None, "rules": [broken]}
    (rule,) = sarif([told])["runs"][0]["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"] == RULE_NAMED["used-length"].says


def test_a_sarif_result_has_one_fingerprint_in_every_run(
    failing: dict[str, Any], proofs: dict[str, Any]
) -> None:
    def fingerprint(document: dict[str, Any]) -> str:
        (result,) = sarif([document])["runs"][0]["results"]
        return str(result["partialFingerprints"]["slotproof/v1"])

    first = fingerprint(failing)
    assert fingerprint(failing | {"traces": 7, "steps": 9}) == first
    assert fingerprint(failing | {"target": "cmd:another"}) != first
    unknown = changed(proofs, verdict="unknown")
    assert fingerprint(unknown | {"solvers": ["z3 99"]}) == fingerprint(unknown)
    assert fingerprint(changed(unknown, name="another")) != fingerprint(unknown)


def test_memslot_decisions_are_cases(failing: dict[str, Any]) -> None:
    decided = {"configurations": 7, "differences": []}
    assert outcome(deepcopy(failing) | {"decisions": decided}) is Outcome.PASSED
    differing = deepcopy(failing) | {"decisions": decided | {"differences": ["a: 1, b: 2"]}}
    case = cases_of(differing)[0]
    assert (case.outcome, case.message) == (Outcome.FAILED, "a: 1, b: 2")


def transition(verdict: str, **fields: Any) -> dict[str, Any]:
    """A proof about a transition, in the document's form."""
    named = {"theorem": "plug_keeps_x", "profile": "seed-v2", "mapping": "plugged"}
    known = {"transition": "plug", "claim": "c", "reason": "", "seconds": 4.0, "not_shown": None}
    found = {"counterexample": None, "trace": None, "verdict": verdict}
    return named | known | found | fields


def steps(*proofs: dict[str, Any], exit_code: int = 1) -> dict[str, Any]:
    """A document with these transitions alone."""
    head = {"command": "prove", "solvers": ["z3 1"], "exit_code": exit_code}
    return head | {"theorems": [], "transitions": list(proofs), "lemmas": []}


def test_a_transition_passes_only_with_all_that_it_owes() -> None:
    assert outcome(steps(transition("proven"))) is Outcome.PASSED
    assert outcome(steps(transition("proven", not_shown="a case"))) is Outcome.OPEN
    assert outcome(steps(transition("unknown"))) is Outcome.OPEN
    assert outcome(steps(transition("vacuous"))) is Outcome.FAILED
    document = steps(transition("refuted", counterexample="plugged=[]", trace="t.jsonl"))
    (case,) = cases_of(document)
    assert case.outcome is Outcome.FAILED
    assert "plugged=[]" in case.message
    (result,) = sarif([document])["runs"][0]["results"]
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "t.jsonl"


def test_a_refuted_claim_is_skipped_where_it_was_expected() -> None:
    """Only then does a document with one end 0."""
    (case,) = cases_of(steps(transition("refuted"), exit_code=0))
    assert (case.outcome, case.message) == (Outcome.SKIPPED, "refuted, as expected: c")


def test_the_time_of_a_transition_is_counted_once() -> None:
    document = steps(transition("proven"), transition("proven", theorem="plug_never_wraps"))
    assert sum(case.seconds for case in cases_of(document)) == 4.0


def test_a_lemma_owes_that_its_wrong_parts_are_refuted() -> None:
    lemma = {"lemma": "l", "kind": "induction", "claim": "c", "verdict": "proven", "reason": ""}
    counts = {"seconds": 1.0, "controls": 1, "controlled": 2}
    document = steps() | {"lemmas": [lemma | counts]}
    assert outcome(document) is Outcome.OPEN
    assert outcome(steps() | {"lemmas": [lemma | counts | {"controls": 2}]}) is Outcome.PASSED


def test_a_check_that_fails_by_a_scenario_has_a_failure(failing: dict[str, Any]) -> None:
    holds = deepcopy(failing) | {"failure": None, "verdict": "holds", "scenarios": [], "rules": []}
    assert {case.outcome for case in cases_of(holds)} == {Outcome.PASSED}
    scenario = {"id": "s", "verdict": "hung", "message": "no answer", "trace": None}
    hung = holds | {"verdict": "fails", "scenarios": [scenario]}
    (failed,) = (case for case in cases_of(hung) if case.outcome is Outcome.FAILED)
    assert (failed.id, failed.message) == ("s", "hung: no answer")
    gone = holds | {"verdict": "fails"}
    (failed,) = (case for case in cases_of(gone) if case.outcome is Outcome.FAILED)
    assert failed.message == "a known fault of --expect is gone"


def test_rules_of_virtio_are_cases_where_they_decide(failing: dict[str, Any]) -> None:
    rule = {"id": "r", "verdict": "skipped", "message": "never applied"}
    exact = deepcopy(failing) | {"failure": None, "verdict": "holds", "scenarios": []}
    exact |= {"rules": [rule]}
    assert [case.id for case in cases_of(exact)] == ["traces"]
    (_, case) = cases_of(exact | {"oracle": "virtio"})
    assert (case.id, case.outcome) == ("r", Outcome.SKIPPED)
    known = exact | {"verdict": "fails", "rules": [rule | {"verdict": "unexpected pass"}]}
    (_, case) = cases_of(known)
    assert (case.id, case.outcome) == ("r", Outcome.FAILED)


def test_check_and_prove_write_what_they_found(tmp_path: Path) -> None:
    commands = {
        "prove": ("prove", "default_block_covers_pages"),
        "check": ("check", "--target", f"{EXAMPLE} --bug {BUG}", "--traces", "20"),
    }
    for name, words in commands.items():
        files = tmp_path / f"{name}.xml", tmp_path / f"{name}.sarif"
        reports = ("--junit", str(files[0]), "--sarif", str(files[1]))
        document = json.loads(printed(*words, "--json", *reports, place=tmp_path))
        assert files[0].read_bytes() == junit([document])
        assert json.loads(files[1].read_text()) == sarif([document])
        found = json.loads(files[1].read_text())["runs"][0]["results"]
        assert len(found) == (1 if name == "check" else 0)


@pytest.mark.parametrize("option", ["--junit", "--sarif"])
@pytest.mark.parametrize("command", ["prove", "check"])
def test_a_report_that_has_no_folder_is_wrong_use_at_once(
    command: str, option: str, tmp_path: Path
) -> None:
    done = run(command, option, tmp_path / "nowhere" / "file")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "is no folder" in done.stderr


def test_a_check_of_a_driver_has_a_case_for_its_lists_and_each_rule() -> None:
    document = driver_document("unplugs-more")
    cases = {case.id: case for case in cases_of(document)}
    assert cases["driver-unplugs-no-more"].outcome is Outcome.FAILED
    assert cases["driver-config-padding"].outcome is Outcome.SKIPPED
    assert cases["driver-plug-not-empty"].outcome is Outcome.SKIPPED  # no verdict: the run ended
    held = cases_of(driver_document(""))
    (plug,) = (case for case in held if case.id == "driver-plug-not-empty")
    assert plug.outcome is Outcome.PASSED
    assert held[0].id == "lists" and held[0].outcome is Outcome.PASSED
    assert all(case.outcome is not Outcome.FAILED for case in held)
    (failed, *_) = sarif([document])["runs"][0]["results"]
    assert failed["ruleId"] == "driver-unplugs-no-more"
