"""An install without extras: what works in it, and the one line that the rest says."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from conformance.commands.extras import EXTRAS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SPELLED = {"z3": "z3-solver"}
"""Packages whose names on the command line of pip are others."""
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
sys.argv[0] = "slotproof"
from conformance.cli import main
main()
"""


def bare(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command line where no extra is installed."""
    code = WITHOUT.format(names={*EXTRAS, "hypothesis", "pytest"})
    return subprocess.run(
        [sys.executable, "-c", code, *words], cwd=cwd, capture_output=True, text=True
    )


WORK = [
    ["decide", "--region", "1T", "--limit", "256", "--block", "2M"],
    ["check", "--traces", "2", "--steps", "5", "--junit", "a.xml", "--sarif", "a.sarif"],
    ["metadata", "--region", "1T", "--plugged", "1G"],
    ["explore", "--blocks", "1", "--slots", "1"],
    ["trace", "generate", "t.jsonl", "--steps", "2"],
]


@pytest.mark.parametrize("words", WORK, ids=lambda words: words[0])
def test_what_a_plain_install_does(words: list[str], tmp_path: Path) -> None:
    done = bare(*words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout or words[0] == "trace"


def test_the_plugin_needs_no_extra(tmp_path: Path) -> None:
    code = WITHOUT.format(names={*EXTRAS, "hypothesis"}).split("sys.argv")[0]
    code += "import conformance.pytest_plugin, conformance.check.suite"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


LACK = [
    (["prove"], r"prove needs \w+: pip install 'slotproof\[prove\]'"),
    (["verify-source", "a.c"], r"verify-source needs \w+: pip install 'slotproof\[source\]'"),
    (
        ["report", "--out", "out", "a.json"],
        r"report needs jinja2: pip install 'slotproof\[report\]'",
    ),
    (
        ["explore", "--blocks", "1", "--slots", "1", "--graph", "g.dot"],
        r"explore needs \w+: pip install 'slotproof\[(report|prove)\]'",
    ),
]


@pytest.mark.parametrize(("words", "line"), LACK, ids=lambda value: value[0])
def test_what_is_missing_is_one_line_with_the_command_that_installs_it(
    words: list[str], line: str, tmp_path: Path
) -> None:
    made = bare("check", "--traces", "1", "--steps", "2", "--json", cwd=tmp_path)
    (tmp_path / "a.json").write_text(made.stdout)
    (tmp_path / "a.c").write_text("")
    done = bare(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(f"slotproof: {line}\n", done.stderr)


def brought(extra: str) -> set[str]:
    """The packages that an extra brings, with those of extras that it names."""
    found: set[str] = set()
    for text in PROJECT["optional-dependencies"][extra]:
        need = Requirement(text)
        found |= {need.name}
        for other in need.extras:
            found |= brought(other)
    return found - {"slotproof"}


def test_each_package_is_brought_by_the_extra_that_is_named() -> None:
    always = {Requirement(text).name for text in PROJECT["dependencies"]}
    for package, extra in EXTRAS.items():
        name = SPELLED.get(package, package.replace("_", "-"))
        # jinja2 itself brings markupsafe.
        assert name in brought(extra) or (name, "jinja2") == ("markupsafe", "jinja2")
        assert name not in always
    assert {"prove", "report", "source", "cluster"} == set(EXTRAS.values())
    assert brought("cluster") <= brought("dev")
    for extra in ("prove", "report", "source"):
        assert brought(extra) <= brought("all") <= brought("dev")
    assert "hypothesis" not in always | brought("all")
