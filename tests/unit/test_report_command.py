"""`report`: a page of the documents and nothing else, with their figures."""

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from report_documents import EXAMPLE, documents, printed, run

from conformance.cli import slotproof
from conformance.metadata.cost import dynamic_cost, static_cost
from conformance.metadata.device import of_config
from conformance.metadata.document import asked_of
from conformance.report.documents import PROFILES, Document, ReportError, planned
from conformance.report.documents import run as run_command
from conformance.report.drawing import bar, moments
from conformance.report.matrix import Cell, matrix
from conformance.report.view import device_of, drawings
from conformance.traces.trace import read_trace
from model.arithmetic import GIB, MIB, TIB
from model.device import ReferenceDevice
from model.extents import Extents
from model.profiles import QEMU
from model.state import Config, Op, action

COUNT = re.compile(r'<span data-count="([^":]+):([^":]*):(\w+)">([^<]*)</span>')
FIGURE = re.compile(r'<span data-figure="([^":]+):([^"]*)">([^<]*)</span>')


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A report's folder, and its documents by name."""
    place = tmp_path_factory.mktemp("report")
    # Where prove keeps its traces.
    with contextlib.chdir(place):
        files = documents(place)
        assert run("report", "--out", place / "out", *files).exit_code == 0
        yield place / "out", {file.name: json.loads(file.read_text()) for file in files}


def html(made: tuple[Path, dict[str, Any]]) -> str:
    return made[0].joinpath("index.html").read_text(encoding="utf-8")


def test_every_figure_on_the_page_is_that_of_its_document(
    made: tuple[Path, dict[str, Any]],
) -> None:
    found = FIGURE.findall(html(made))
    assert len(found) > 60
    assert {name for name, _, _ in found} == set(made[1])
    for name, path, shown in found:
        value: Any = made[1][name]
        for part in path.split("."):
            if part == "#":
                value = len(value)
            else:
                value = value[int(part) if isinstance(value, list) else part]
        assert unescape(shown) == str(value), path


def test_every_count_of_a_transition_is_that_of_its_theorems(
    made: tuple[Path, dict[str, Any]],
) -> None:
    found = COUNT.findall(html(made))
    for name, place, field, shown in found:
        every = [
            proof
            for proof in made[1][name]["transitions"]
            if f"{proof['profile']}/{proof['mapping']}/{proof['transition']}" == place
        ]
        counts = {
            "claimed": len(every),
            "proven": len([proof for proof in every if proof["verdict"] == "proven"]),
            "cases": max(proof["cases"] for proof in every),
            "goals": sum(proof["goals"] for proof in every),
            "conditions": sum(proof["conditions"] for proof in every),
            "controls": len([proof for proof in every if proof["control"]]),
            "seconds": max(proof["seconds"] for proof in every),
        }
        assert shown == str(counts[field]), (place, field)
    transitions = {
        (name, f"{proof['profile']}/{proof['mapping']}/{proof['transition']}")
        for name, document in made[1].items()
        for proof in document.get("transitions", [])
    }
    assert len(transitions) >= 2
    assert {(name, place) for name, place, _, _ in found} == transitions
    assert len(found) == 7 * len(transitions)


def test_every_refuted_claim_has_its_weakest_hypothesis(
    made: tuple[Path, dict[str, Any]],
) -> None:
    every = made[1]["prove-seed-v2.json"]["transitions"]
    refuted = [proof for proof in every if proof["verdict"] == "refuted"]
    assert refuted
    text = unescape(html(made))
    articles = text.split("<article>")[1:]
    for proof in refuted:
        (article,) = (
            a
            for a in articles
            if f"{proof['theorem']}</code>, seed-v2, mapping {proof['mapping']}<" in a
        )
        assert proof["claim"] in article
        assert proof["counterexample"] in article
        limits = [
            other["claim"]
            for other in every
            if other["theorem"].startswith(f"{proof['theorem']}_exactly_if_")
            and other["mapping"] == proof["mapping"]
        ]
        assert all(limit in article for limit in limits)
        assert limits or "none is proven" in article
        assert '<svg class="bar"' in article


def test_the_matrix_has_a_cell_for_each_pair() -> None:
    """In both orders: what tells two apart tells them apart either way."""
    ends: dict[str, Any] = {"shortest": []}
    steps: dict[str, Any] = {"shortest": [{"steps": [1, 2]}, {"steps": [1]}]}
    compared = [
        {"left": "qemu", "right": "qemu"} | ends,
        {"left": "qemu", "right": "seed-v2"} | steps,
    ]
    found = matrix(Document("c.json", Path(), {"comparisons": compared}))
    assert found.profiles == ("qemu", "seed-v2")
    assert found.cells == {
        ("qemu", "qemu"): Cell(0, None),
        ("qemu", "seed-v2"): Cell(1, 1),
        ("seed-v2", "qemu"): Cell(1, 1),
    }


def test_every_theorem_check_and_item_is_on_the_page(made: tuple[Path, dict[str, Any]]) -> None:
    shown = {(name, path) for name, path, _ in FIGURE.findall(html(made))}
    for name, document in made[1].items():
        if document["command"] == "prove":
            owed = [f"theorems.{n}.goals" for n in range(len(document["theorems"]))]
        elif document["command"] == "check":
            owed = ["target", "profile", "traces", "steps", "invariant_checks", "contract_checks"]
            owed += [f"rules.{n}.exercised" for n in range(len(document["rules"]))]
            owed += [f"rules.{n}.broken" for n, r in enumerate(document["rules"]) if r["broken"]]
        elif document["command"] == "compare":
            owed = [f"comparisons.{n}.pairs" for n in range(len(document["comparisons"]))]
        elif document["command"] == "mutants":
            owed = ["mutants", "killed", "equivalent", "undecided.#", "unexplained.#"]
            owed += [f"rules.{n}.killed" for n in range(len(document["rules"]))]
        elif document["command"] == "check-driver":
            continue
        else:
            owed = [f"static.items.{item}" for item in document["static"]["items"]]
            owed += [f"dynamic.{total}" for total in ("now", "logging")]
            totals = document["patch"]["dynamic"]["totals"]
            owed += [f"patch.dynamic.totals.{total}" for total in totals]
        assert {(name, path) for path in owed} <= shown


def test_the_counts_at_the_top_add_up(made: tuple[Path, dict[str, Any]]) -> None:
    counted: dict[str, set[tuple[str, ...]]] = {"proven": set(), "refuted": set()}
    for document in made[1].values():
        for theorem in document.get("theorems", []):
            counted[theorem["verdict"]].add((theorem["name"],))
        for proof in document.get("transitions", []):
            place = (proof["profile"], proof["mapping"], proof["theorem"])
            counted[proof["verdict"]].add(place)
    for verdict, found in counted.items():
        assert f'<li><b class="{verdict}">{len(found)}</b> theorem' in html(made)


def test_the_documents_lie_beside_the_page(made: tuple[Path, dict[str, Any]]) -> None:
    place, known = made
    for name, document in known.items():
        assert json.loads(place.joinpath(name).read_text()) == document
        assert f'<a href="{name}">' in html(made)


def test_the_failing_traces_lie_beside_the_page(made: tuple[Path, dict[str, Any]]) -> None:
    place, known = made
    for document in known.values():
        if (failure := document.get("failure")) and document["command"] == "check":
            kept = Path(failure["trace"])
            assert place.joinpath("traces", kept.name).read_bytes() == kept.read_bytes()
            assert f'<a href="traces/{kept.name}">' in html(made)


def test_the_page_needs_nothing_else(made: tuple[Path, dict[str, Any]]) -> None:
    text = html(made)
    assert "<script" not in text
    assert not re.findall(r'(?:src|href)="(?!#|data:|[\w./-]+\.jsonl?")', text.split("<figure>")[0])
    assert "url(http" not in text
    assert "default-src 'none'" in text


def test_every_failure_is_drawn_step_by_step(made: tuple[Path, dict[str, Any]]) -> None:
    text = html(made)
    failing = [d for d in made[1].values() if d["command"] == "check" and d.get("failure")]
    assert len(failing) == 2
    told = [proof for d in made[1].values() for proof in d.get("transitions", [])]
    kept = [proof["trace"] for proof in told if proof["trace"]]
    assert len(kept) == sum(proof["verdict"] == "refuted" for proof in told) > 0
    bars = text.count('<svg class="bar"')
    differing = text.count("seen on the device:")
    steps = [d["failure"]["steps"] for d in failing]
    steps += [len(read_trace(Path(trace)).steps) for trace in kept]
    assert bars == sum(count + 1 for count in steps) + differing
    assert differing == 1
    # The patch's own counterexample: plugged blocks that no mapped memslot holds.
    assert '<rect class="lost"' in text


def test_a_failure_whose_trace_is_gone_is_told_and_not_drawn(tmp_path: Path) -> None:
    file = tmp_path / "check.json"
    file.write_text(printed("check", "--profile", "seed-v2", "--json", place=tmp_path))
    for trace in (tmp_path / "failures").glob("*.jsonl"):
        trace.unlink()
    assert run("report", "--out", tmp_path / "out", file).exit_code == 0
    text = (tmp_path / "out" / "index.html").read_text()
    assert "not drawn: " in text
    assert '<svg class="bar"' not in text


def test_a_scenario_that_fails_is_drawn(tmp_path: Path) -> None:
    trace = tmp_path / "t.jsonl"
    assert run("trace", "generate", trace, "--steps", "2").exit_code == 0
    document = json.loads(printed("check", "--traces", "1", "--json", place=tmp_path))
    failed = {"id": "s", "verdict": "fail", "message": "no <answer>", "trace": str(trace)}
    document |= {"verdict": "fails", "scenarios": [failed]}
    file = tmp_path / "check.json"
    file.write_text(json.dumps(document))
    assert run("report", "--out", tmp_path / "out", file).exit_code == 0
    text = (tmp_path / "out" / "index.html").read_text()
    assert "reference against qemu: scenario s</h3>" in text
    assert "fail: no &lt;answer&gt;" in text
    assert text.count('<svg class="bar"') == 3
    assert (tmp_path / "out" / "traces" / "t.jsonl").read_bytes() == trace.read_bytes()


def test_text_from_a_document_is_no_html(tmp_path: Path) -> None:
    """A target's name is whatever was typed."""
    document = json.loads(printed("check", "--traces", "1", "--json", place=tmp_path))
    document["target"] = "cmd:<img src=x onerror=alert(1)>"
    file = tmp_path / "check.json"
    file.write_text(json.dumps(document))
    assert run("report", "--out", tmp_path / "out", file).exit_code == 0
    text = (tmp_path / "out" / "index.html").read_text()
    assert "<img" not in text
    assert "&lt;img src=x" in text


def test_a_bar_is_the_state_to_scale() -> None:
    device = ReferenceDevice(QEMU, Config(5 * GIB, GIB, limit=3, requested=3 * GIB))
    device.apply(action(Op.PLUG, addr=device.config.addr + GIB, blocks=2))
    drawn = bar(device.fixed, device.state, device.state.mapped)
    assert drawn.mapped == ((0.0, 800.0),)
    assert drawn.plugged == ((200.0, 400.0),)
    assert drawn.lost == ()
    assert drawn.borders == (400.0, 800.0)
    assert (drawn.requested, drawn.usable) == (600.0, 800.0)
    lost = bar(device.fixed, device.state, Extents.EMPTY.with_range(1, 2))
    assert (lost.mapped, lost.plugged, lost.lost) == (
        ((400.0, 400.0),),
        ((400.0, 200.0),),
        ((200.0, 200.0),),
    )


def test_a_long_trace_is_drawn_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    assert run("trace", "generate", file, "--steps", "30").exit_code == 0
    left_out, shown = moments(read_trace(file))
    assert left_out == 18
    assert [moment.number for moment in shown] == list(range(18, 31))


def test_the_chart_is_made_of_the_devices_of_the_document(
    made: tuple[Path, dict[str, Any]],
) -> None:
    """What is rebuilt from the document costs what the command says of the same sizes."""
    (document,) = [d for d in made[1].values() if d["command"] == "metadata"]
    (told,) = document["devices"]
    device = device_of(told, document["profile"])
    config = Config(region=TIB, block=2 * MIB, limit=256)
    again = of_config("device", QEMU, config, told["plugged"])
    assert device.fixed.slots == again.fixed.slots
    rebuilt = asked_of(document)
    assert rebuilt is not None
    assert static_cost(rebuilt.vm, device).items == document["static"]["items"]
    assert dynamic_cost(rebuilt.vm, device).items == document["dynamic"]["items"]
    assert dynamic_cost(rebuilt.vm, again).now == document["dynamic"]["now"]
    shown = drawings(Document("metadata.json", Path(), document))
    assert len(shown) >= 2
    assert all(panel.count("<polyline") == 4 for panel in shown)


def test_the_table_of_the_patch_has_no_chart(tmp_path: Path) -> None:
    words = ("metadata", "--region", "1T", "--kernel", "patch", "--json")
    file = tmp_path / "patch.json"
    file.write_text(CliRunner().invoke(slotproof, list(words)).stdout)
    assert run("report", "--out", tmp_path / "out", file).exit_code == 0
    page = (tmp_path / "out/index.html").read_text()
    assert "By the patch&#39;s table" in page
    assert "<polyline" not in page


def test_what_a_report_runs_by_itself(tmp_path: Path) -> None:
    plan = planned(["qemu"], tmp_path)
    assert plan["prove-qemu.json"] == ["prove", "--profile", "qemu", "--json"]
    assert plan["prove-seed-v2.json"] == ["prove", "--profile", "seed-v2", "--json"]
    assert {words[0] for words in plan.values()} >= {"compare", "metadata"}
    assert "--mutants" in plan["mutants.json"]
    for profile in PROFILES:
        assert plan[f"check-{profile}.json"][-2:] == ["--profile", profile]
    assert plan["check-target-1.json"][-2:] == ["--target", "qemu"]
    assert all("--json" in words for words in plan.values())


def test_a_command_that_falls_over_is_told_with_its_last_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fallen = subprocess.CompletedProcess((), 1, "", "Traceback:\nValueError: no solver\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: fallen)
    with pytest.raises(ReportError, match=r"^slotproof prove --json: ValueError: no solver$"):
        run_command(["prove", "--json"])


def wrong(*words: object) -> str:
    result: Result = run("report", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_wrong_use_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list.json").write_text("[]")
    Path("text.json").write_text("hello")
    Path("decide.json").write_text(
        CliRunner().invoke(slotproof, ["decide", "--region", "1G", "--limit", "1", "--json"]).stdout
    )
    whole = printed("check", "--traces", "1", "--json", place=tmp_path)
    Path("old.json").write_text(whole.replace('"schema": 1', '"schema": 99', 1))
    Path("bent.json").write_text(whole.replace('"traces": 1', '"traces": "many"'))
    Path("check.json").write_text(whole)
    Path("other").mkdir()
    Path("other/check.json").write_text(whole)
    Path("file").write_text("")
    out = ("--out", "out")
    assert "Missing option '--out'" in wrong("check.json")
    assert "list.json: no document of a command" in wrong(*out, "list.json")
    assert "decide.json: no document of a command" in wrong(*out, "decide.json")
    assert "text.json: not JSON" in wrong(*out, "text.json")
    assert "nowhere.json: no such file" in wrong(*out, "nowhere.json")
    assert "old.json: schema 99 of check is unknown" in wrong(*out, "old.json")
    assert "bent.json: not what check-v1.json says: traces" in wrong(*out, "bent.json")
    assert "two documents of one name" in wrong(*out, "check.json", "other/check.json")
    assert "--target goes without a DOCUMENT" in wrong(*out, "check.json", "--target", EXAMPLE)
    assert "'file' is a file" in wrong("--out", "file", "check.json")
    assert not Path("out/index.html").exists()
