"""`report`: a page of the documents and nothing else, with their figures."""

import contextlib
import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from click.testing import CliRunner, Result
from report_documents import EXAMPLE, documents, printed, run

from conformance.cli import slotproof
from conformance.metadata.cost import dynamic_cost, static_cost
from conformance.metadata.device import of_config
from conformance.metadata.document import asked_of
from conformance.report import running
from conformance.report.bars import Mark, bar
from conformance.report.bars import device_of as drawn_device
from conformance.report.documents import Document, ReportError
from conformance.report.drawing import moments, pictures
from conformance.report.findings import findings
from conformance.report.matrix import Cell, matrix
from conformance.report.reviewed import drawn_sides
from conformance.report.running import Children, planned
from conformance.report.running import made as made_by_running
from conformance.report.running import run as run_command
from conformance.report.source import through
from conformance.report.view import device_of, drawings
from conformance.targets.leash import Leash
from conformance.traces.trace import Trace, TraceStep, read_trace
from model.arithmetic import GIB, MIB, TIB
from model.device import ReferenceDevice
from model.extents import Extents
from model.profiles import PROFILES, QEMU
from model.state import Answer, Config, Op, action

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


def stated(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The theorems about transitions that a document holds."""
    return list(document["transitions"]) if document["command"] == "prove" else []


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
        for proof in stated(document)
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
    articles = text.split("<h3>")[1:]
    for proof in refuted:
        told = f"profile seed-v2</span> refuted: {proof['theorem']}, mapping {proof['mapping']}<"
        (article,) = (a for a in articles if told in a)
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
        elif document["command"] == "verify-source":
            owed = [f"functions.{n}.verdict" for n in range(len(document["functions"]))]
        elif document["command"] == "explore":
            owed = ["states", "transitions", "invariant_checks", "contract_checks", "broken.#"]
        elif document["command"] == "check --catalogue":
            owed = [f"searches.{n}.traces" for n in range(len(document["searches"]))]
        elif document["command"] == "check-driver":
            owed = [f"rules.{n}.exercised" for n in range(len(document["rules"]))]
        else:
            owed = [f"static.items.{item}" for item in document["static"]["items"]]
            owed += [f"dynamic.{total}" for total in ("now", "logging")]
            totals = document["patch"]["dynamic"]["totals"]
            owed += [f"patch.dynamic.totals.{total}" for total in totals]
        assert {(name, path) for path in owed} <= shown


def cards(made: tuple[Path, dict[str, Any]]) -> dict[str, list[str]]:
    """What the cards of each group say."""
    header = unescape(html(made)).split('<header id="top"')[1].split("</header>")[0]
    groups = header.split("<h2 ")[1:]
    found = {}
    for group in groups:
        name = re.findall(r">([^<]*)</h2>", group)[0]
        shown = re.findall(r"<li class=.*?</li>", group, re.DOTALL)
        found[name] = [" ".join(re.sub(r"<[^>]*>", " ", card).split()) for card in shown]
    return found


def test_the_first_screen_says_what_the_documents_say(made: tuple[Path, dict[str, Any]]) -> None:
    text = unescape(html(made))
    (sentence,) = re.findall(r"<h1>(.*?)</h1>", text)
    assert sentence.startswith(
        "The patch series.mbox differs from the rules of qemu in 1 of 2 functions: "
        "virtio_mem_deactivate_unplugged_memslots, which it changes; 2 of 2 devices "
    )
    shown = cards(made)
    assert list(shown) == ["The source or patch", "The model and its proofs", "Real devices"]
    (source,) = shown["The source or patch"]
    assert source.startswith("1 function differs series.mbox on qemu profile qemu: ")
    assert "1 remembered from 2026-01-31, 1 decided now" in source
    for document in made[1].values():
        if document["command"] == "prove":
            stated = [*document["theorems"], *document["transitions"]]
            proven = sum(one["verdict"] == "proven" for one in stated)
            told = f"{proven} of {len(stated)} proven theorems about "
            assert any(card.startswith(told) for card in shown["The model and its proofs"])
    model = " ".join(shown["The model and its proofs"])
    assert "1 of 2 hold the model against its invariants" in model
    assert "1 of 2 found searches for 2 wrong devices" in model
    assert [card.split()[0] for card in shown["Real devices"]] == ["fails", "fails"]
    for name in ("commit", "slotproof 0", "UTC", "slotproof report --out"):
        assert name in text.split("</h1>")[1].split("<div")[0]


def test_a_group_without_a_document_says_what_would_fill_it(tmp_path: Path) -> None:
    file = tmp_path / "check.json"
    file.write_text(printed("check", "--traces", "1", "--json", place=tmp_path))
    assert run("report", "--out", tmp_path / "out", file).exit_code == 0
    shown = cards((tmp_path / "out", {}))
    assert shown["The source or patch"] == [
        "not looked at a document of slotproof verify-source FILE --json would say"
    ]
    text = (tmp_path / "out" / "index.html").read_text()
    assert "The model keeps its own claims in 1 profile." in text
    assert "Nothing is wrong in what was looked at." in text


def test_the_worst_finding_comes_first(made: tuple[Path, dict[str, Any]]) -> None:
    text = unescape(html(made))
    titles = re.findall(r'<span class="about">([^<]*)</span> ([^<]*)</h3>', text)
    assert titles[0][0] == "source"
    assert titles[0][1].startswith("virtio_mem_deactivate_unplugged_memslots differs")
    assert titles[-1] == ("the checker", "the wrong device missed is not found as is due")
    kinds = [about.split()[0] for about, _ in titles]
    assert kinds.index("the") < kinds.index("profile")


def test_a_difference_of_a_source_shows_both_sides_with_units(
    made: tuple[Path, dict[str, Any]],
) -> None:
    worst = unescape(html(made)).split('class="worst"')[1].split("</article>")[0]
    assert "memslots 0 to 1" in worst
    assert "memslot 1<" in worst
    assert "<dt>its text</dt><dd>changed by the patch" in worst
    assert "region 8 MiB, block 2 MiB, slot_size 6 MiB, count 2, busy true" in worst
    assert re.findall(r'<p class="side[^>]*>([^<]*)<', worst) == [
        "before",
        "after, allowed",
        "after, seen",
    ]
    assert worst.count('<svg class="bar"') == 3
    assert worst.count('<rect class="lost"') == 1
    assert worst.count('<rect class="busy"') == 3
    base = "series.mbox --base qemu --only virtio_mem_deactivate_unplugged_memslots"
    assert f"was made: <code>slotproof verify-source {base}</code>" in worst


def test_what_a_request_leaves_is_drawn_with_the_sets_it_leaves() -> None:
    """An unplug of the last plugged block: its memslot was mapped before, and is not after."""
    device = {"region": 4 * GIB, "block": GIB, "slot_size": 2 * GIB, "count": 2}
    sets = {"plugged": [[0, 1], [3, 4]], "mapped": [[0, 2]]}
    after = {
        "model": {"plugged": [[0, 1]], "mapped": [[0, 1]]},
        "source": {"plugged": [[0, 1]], "mapped": [[0, 2]]},
    }
    one: dict[str, Any] = {"inputs": device | sets, "after": after, "what": "mapped memslots"}
    one |= {"model_says": "[0, 1)", "source_says": "[0, 2)"}
    captions = [(name, drawn.caption) for name, drawn in drawn_sides(one)]
    assert captions == [
        ("before", "2 GiB of 4 GiB plugged, 2 of 2 memslots mapped"),
        ("after, allowed", "1 GiB of 4 GiB plugged, 1 of 2 memslots mapped"),
        ("after, seen", "1 GiB of 4 GiB plugged, 2 of 2 memslots mapped"),
    ]
    assert [name for name, _ in drawn_sides(one | {"what": "mapped memslots at unmap"})] == [
        "before"
    ]
    assert [name for name, _ in drawn_sides(one | {"after": None})] == ["before"]


def test_what_the_device_is_asked_through_comes_ahead_of_what_serves_it(
    made: tuple[Path, dict[str, Any]],
) -> None:
    data = next(d for d in made[1].values() if d["command"] == "verify-source")
    inner = data["functions"][0] | {"helper": True}
    outer = inner | {"function": "virtio_mem_state_change_request", "helper": False}
    outer |= {"change": "as before, but virtio_mem_deactivate_unplugged_memslots, which it uses"}
    data = data | {"functions": [inner, outer]}
    found = findings([Document("s.json", Path(), data)])
    assert [one.title.split()[0] for one in found] == [outer["function"], inner["function"]]
    assert "reached" in dict(found[1].facts)
    assert "reached" not in dict(found[0].facts)
    assert through(data) == (
        ": virtio_mem_deactivate_unplugged_memslots, which it changes, and 1 through what it "
        "changes"
    )
    assert not through(data | {"functions": [outer]})


def test_what_fails_is_seen_again_from_beside_the_page(
    made: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = unescape(html(made))
    again = re.findall(r"Again, beside this page: <code>([^<]*)</code>", text)
    assert len(again) >= 3
    monkeypatch.chdir(made[0])
    for command in again:
        words = shlex.split(command)
        named = [word for word in words if word.endswith(".jsonl")]
        assert all(word.startswith("traces/") and Path(word).exists() for word in named)
    replay = shlex.split(next(c for c in again if "docs/example_device.py" in c))
    assert run(*replay[1:]).exit_code == 1


def test_nothing_is_left_where_the_report_is_made(made: tuple[Path, dict[str, Any]]) -> None:
    assert not (made[0].parent / "slotproof-failures").exists()


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
    told = [proof for d in made[1].values() for proof in stated(d)]
    kept = [proof["trace"] for proof in told if proof["trace"]]
    assert len(kept) == sum(proof["verdict"] == "refuted" for proof in told) > 0
    bars = text.count('<svg class="bar"')
    differing = text.count("seen on the device")
    files = [failure["failure"]["trace"] for failure in failing] + kept
    drawn = [pictures(moments(read_trace(Path(file)))[1]) for file in files]
    of_source = 3
    assert bars == sum(map(len, drawn)) + differing + of_source
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
    assert "the model of qemu</span> scenario s: fail</h3>" in text
    assert "no &lt;answer&gt;" in text
    assert '<svg class="bar"' in text
    assert "slotproof trace replay traces/t.jsonl --target reference" in text
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
    here = drawn_device(device.fixed, device.state, device.state.mapped)
    drawn = bar(here)
    assert drawn.mapped == ((0.0, 800.0),)
    assert drawn.plugged == ((200.0, 400.0),)
    assert drawn.lost == ()
    assert drawn.borders == (400.0, 800.0)
    assert (drawn.requested, drawn.usable) == (
        Mark(600.0, "requested 3 GiB"),
        Mark(800.0, "usable 4 GiB"),
    )
    assert drawn.caption == "2 GiB of 5 GiB plugged, 2 of 3 memslots mapped"
    assert not drawn.busy
    device.apply(action(Op.MIGRATION_START))
    assert bar(drawn_device(device.fixed, device.state, device.state.mapped)).busy
    lost = bar(replace(here, mapped=Extents.EMPTY.with_range(1, 2)))
    assert (lost.mapped, lost.plugged, lost.lost) == (
        ((400.0, 400.0),),
        ((400.0, 200.0),),
        ((200.0, 200.0),),
    )


def test_steps_that_draw_the_same_lie_together(tmp_path: Path) -> None:
    device = ReferenceDevice(QEMU, Config(4 * GIB, GIB, limit=2, requested=2 * GIB))
    state = action(Op.STATE, addr=device.config.addr, blocks=1)
    plug = action(Op.PLUG, addr=device.config.addr, blocks=1)
    steps = tuple(TraceStep(one, None) for one in (state, state, plug, state))
    trace = Trace(QEMU, device.config, steps)
    folded = pictures(moments(trace)[1])
    assert [[moment.number for moment in one] for one in folded] == [[0, 1, 2], [3, 4]]
    seen = ReferenceDevice(QEMU, device.config).apply(state)
    other = replace(seen, answer=Answer.NACK)
    differs = replace(trace, steps=(TraceStep(state, seen), TraceStep(state, other), *steps[2:]))
    folded = pictures(moments(differs)[1])
    assert [[moment.number for moment in one] for one in folded] == [[0, 1], [2], [3, 4]]
    assert ("answer", "ack", "nack") in folded[1][0].differs


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
    assert plan["prove-qemu.json"][:3] == ["prove", "--profile", "qemu"]
    assert plan["prove-seed-v2.json"][:3] == ["prove", "--profile", "seed-v2"]
    assert {words[0] for words in plan.values()} >= {"explore", "compare", "metadata"}
    # Whoever keeps traces keeps them where the report goes, each in a folder of its own.
    folders = [w[w.index("--failures") + 1] for w in plan.values() if "--failures" in w]
    assert len(set(folders)) == len(folders) == len(plan) - 3
    assert all(Path(folder).parent == tmp_path for folder in folders)
    assert "--mutants" in plan["mutants.json"]
    for profile in PROFILES:
        assert plan[f"check-{profile}.json"][1:3] == ["--profile", profile]
    assert plan["check-target-1.json"][1:3] == ["--target", "qemu"]
    assert all("--json" in words for words in plan.values())


def test_a_command_that_falls_over_is_told_with_its_last_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(ReportError, match=r"^slotproof prove --json: ended 1$"):
        run_command(["prove", "--json"], Children())
    monkeypatch.undo()
    with pytest.raises(ReportError, match=r"^slotproof prove nothing --json: unknown theorem"):
        run_command(["prove", "nothing", "--json"], Children())


def test_each_command_that_is_run_is_told_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(running, "run", lambda words, children: {})
    told: list[tuple[str, int]] = []
    plan = {"b.json": ["compare", "--json"], "a.json": ["prove", "--failures", "x", "--json"]}
    found = made_by_running(plan, tmp_path, lambda *what: told.append(what))
    assert {words for text, _ in told for words in text.split(" and ") if words} == {
        "prove",
        "compare",
    }
    assert told[0][1] == 0 and told[-1][1] == 2
    assert [document.name for document in found] == ["b.json", "a.json"]


def test_a_command_that_falls_over_ends_what_runs_beside_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    beside = subprocess.Popen(["sleep", "1000"], text=True)
    leash, there = Leash(), Event()

    def run(words: list[str], children: Children) -> dict[str, Any]:
        if words == ["prove"]:
            there.wait(20)
            raise ReportError("no solver")
        children._running[beside] = leash
        there.set()
        beside.wait()
        raise ReportError("ended with the other one")

    monkeypatch.setattr(running, "run", run)
    with pytest.raises(ReportError, match="no solver"):
        made_by_running({"a": ["prove"], "b": ["compare"]}, tmp_path, lambda *_: None)
    leash.let_go()
    assert beside.returncode == -signal.SIGTERM
    with pytest.raises(ReportError, match="not run"):
        ended = Children()
        ended.end()
        ended.start(["prove"])


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
