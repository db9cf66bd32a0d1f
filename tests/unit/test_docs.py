"""The site: what is made from the code is up to date, every rule is held to account, links lead."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from conformance.cli import COMMANDS, slotproof
from conformance.commands.check import check
from conformance.traces.schemas import problem

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def program(name: str) -> ModuleType:
    """A program of docs/."""
    if str(DOCS) not in sys.path:
        sys.path.append(str(DOCS))
    found = importlib.util.find_spec(name)
    assert found is not None and found.origin == str(DOCS / f"{name}.py")
    return importlib.import_module(name)


generate = program("generate")
rulebook = program("rulebook")
RULES = [*rulebook.rules(), *rulebook.claims()]


def page(name: str) -> str:
    return DOCS.joinpath(name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(generate.PAGES))
def test_the_pages_made_from_the_code_are_up_to_date(name: str) -> None:
    assert page(name) == generate.PAGES[name](), "run: python docs/generate.py"


def test_every_hunk_of_the_patch_has_its_rules_and_theorems_or_a_reason() -> None:
    patch = program("patchbook")
    assert patch.unknown_names() == []
    assert patch.unaccounted() == []
    assert patch.unnamed_hunks() == []


def test_every_command_is_on_its_page() -> None:
    for name in COMMANDS:
        assert f"\n## slotproof {name}\n" in page("commands.md")


def test_the_rules_are_many_and_their_ids_are_one_each() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert {"plug", "decide_memslots", "plugged-in-mapped", "plug-error"} <= set(ids)


def test_every_module_of_rules_has_a_heading() -> None:
    modules = {rule.file.stem for rule in RULES if rule.kind == "rule"}
    assert modules == set(generate.MODULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_a_source_code_theorem_and_test(rule: Any) -> None:
    """One that no theorem speaks of says so, with what is done instead."""
    assert rule.says and rule.source
    assert (ROOT / rule.file).is_file()
    assert rulebook.tests_of(rule), "name it in a test"
    unproven = rule.id in rulebook.UNPROVEN
    assert bool(rulebook.theorems_of(rule)) != unproven


def test_no_reason_is_given_for_a_rule_that_is_not() -> None:
    assert set(rulebook.UNPROVEN) <= {rule.id for rule in RULES}


def test_the_model_in_prose_names_every_rule_and_invariant() -> None:
    linked = set(re.findall(r"\]\(rules\.md#([\w-]+)\)", page("model.md")))
    owed = {rule.id for rule in RULES if rule.kind != "contract"}
    assert linked - {"contracts"} == owed


def test_a_function_is_reached_through_branches_tables_and_inner_functions() -> None:
    from model.events import realize, wake_up
    from model.mapping import mapped_after_unplug, range_unplugged, usable_size
    from model.requests import plug, unplug_everything
    from model.rules import step

    assert usable_size in rulebook.reached(realize)
    assert unplug_everything in rulebook.reached(wake_up)
    assert range_unplugged in rulebook.reached(mapped_after_unplug)
    assert plug in rulebook.reached(step)
    assert plug not in rulebook.reached(realize)


def built(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """A strict build of the site."""
    options = ("-q", "-W", "--keep-going", "-n", "-b", "html")
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *options, source, out], capture_output=True, text=True
    )


def read(folder: Path, name: str) -> str:
    """A page of a site."""
    return folder.joinpath(name).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = built(DOCS, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    made = tmp_path.joinpath("model.html").read_text(encoding="utf-8")
    assert 'href="rules.html#plugged-in-mapped"' in made
    where = re.findall(
        r'href="code/(model/geometry.py.html)#(L-\d+)"', read(tmp_path, "rules.html")
    )
    code = read(tmp_path, f"code/{where[0][0]}")
    assert all(f'id="{line}"' in code for _, line in where)
    stated = read(tmp_path, "theorems.html")
    assert "plug_keeps_plugged_in_mapped" in stated
    assert stated.count("Every plugged block lies in a mapped memslot.") > 10
    # Nothing is fetched when a page is opened.
    assert not re.findall(r'(?:src|<link[^>]*href)="https?:', made)


def test_a_dead_link_breaks_the_build(tmp_path: Path) -> None:
    source = tmp_path / "docs"
    source.mkdir()
    for name in ("conf.py", "codepages.py", "site.css", "favicon.svg"):
        source.joinpath(name).write_text(page(name))
    source.joinpath("index.md").write_text(
        "# Top\n\n[gone](#nowhere) [lost](nowhere.md) [old](../model/rules.py#nothing)\n"
    )
    done = built(source, tmp_path / "out")
    assert done.returncode == 1
    assert "nowhere" in done.stderr and "model/rules.py" in done.stderr


def test_a_link_to_code_opens_at_the_line_and_a_dead_one_stays_for_the_build_to_find() -> None:
    linked = program("codepages").linked
    text, files = linked(ROOT, "[a](../model/geometry.py#decide_memslots) | model/rules.py:3 |")
    lines = (ROOT / "model" / "geometry.py").read_text(encoding="utf-8").splitlines()
    at = next(n for n, line in enumerate(lines, 1) if line.startswith("def decide_memslots("))
    assert f"[a](code:model/geometry.py#L-{at})" in text
    assert "[model/rules.py:3](code:model/rules.py#L-3)" in text
    assert files == {"model/geometry.py", "model/rules.py"}
    for dead in ("model/gone.py", "model/rules.py#gone", "model/rules.py#L9999"):
        text, files = linked(ROOT, f"[a](../{dead})")
        assert "code:" not in text and not files


def test_the_session_of_the_tutorial_is_in_the_protocol() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", page("tutorial.md"), re.DOTALL)
    lines = block.splitlines()
    assert len(lines) == 7
    for line in lines:
        assert problem(json.loads(line), "protocol-v1.json") is None, line


def test_the_guide_reads_the_counterexample_that_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the guide quotes is what its command prints."""
    monkeypatch.chdir(tmp_path)
    spec = f"cmd:{sys.executable} {DOCS / 'example_device.py'} --bug unmap-early"
    shown = " ".join(CliRunner().invoke(slotproof, ["check", "--target", spec]).stdout.split())
    heads = re.findall(r"^(`.*`)\n: ", page("counterexamples.md"), re.MULTILINE)
    quoted = [quote for head in heads for quote in re.findall(r"`([^`]+)`", head)]
    assert len(quoted) >= 10
    for quote in quoted:
        assert " ".join(quote.removesuffix("...").split()) in shown, quote


def test_what_other_ci_is_told_is_what_there_is() -> None:
    action, shards, seeds, hooks = re.findall(r"```yaml\n(.*?)```", page("ci.md"), re.DOTALL)
    (ran,) = yaml.safe_load(shards)["jobs"].keys() & {"prove"}
    assert ran and "slotproof prove" in shards and "--shard" in shards
    job = yaml.safe_load(seeds)["jobs"]["check"]
    words = job["steps"][0]["run"].split()
    assert set(job["strategy"]["matrix"]) == {"seed"}
    assert {each for each in words if each.startswith("--")} <= {
        option for parameter in check.params for option in parameter.opts
    }
    described = yaml.safe_load((ROOT / ".ci/action/action.yml").read_text())
    used = yaml.safe_load(action)["steps"][1]
    assert used["uses"].split("@")[0] == "OWNER/slotproof/.ci/action"
    assert set(used["with"]) <= set(described["inputs"])
    listed = re.search(r"The inputs are ([^.]*)\.", page("ci.md"))
    assert listed is not None
    assert re.findall(r"`(\w+)`", listed[1]) == list(described["inputs"])
    known = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {h["id"] for h in yaml.safe_load(hooks)["repos"][0]["hooks"]} <= known
