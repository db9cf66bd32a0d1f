"""The wheel in an empty environment, from folders that have packages of the same names."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("model", "smt_proofs", "conformance")
KEPT = ("pyproject.toml", "README.md", "LICENSE", *PACKAGES)


def run(*words: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A program that knows nothing of this checkout."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=clean | environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The bin folder of an environment with the wheel and what it depends on, nothing else."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    source.mkdir()
    for name in KEPT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    built = run(
        sys.executable,
        *("-m", "build", "--wheel", "--outdir", place),
        source,
        cwd=place,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = place.glob("*.whl")
    venv.create(place / "env", with_pip=True)
    pip = run(
        place / "env" / "bin" / "pip",
        *(
            "install",
            "--quiet",
            "--constraint",
            ROOT / ".ci" / "constraints.txt",
            f"{wheel}[prove]",
            "pytest",
        ),
        cwd=place,
    )
    assert pip.returncode == 0, pip.stderr
    yield place / "env" / "bin"
    shutil.rmtree(place)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with packages of its own, by the program's names, that end who imports them."""
    for name in ("model", "smt_proofs", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong package')\n")
    return tmp_path


COMMANDS = [
    ["decide", "--region", "1T", "--limit", "256", "--block", "2M"],
    ["prove", "slots_no_smaller_than_minimum"],
    ["check", "--target", "reference", "--traces", "3", "--steps", "10"],
    ["metadata", "--region", "1T", "--plugged", "1G", "--json"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("start", ["slotproof", "PYTHONPATH", "python -m"])
@pytest.mark.slow
def test_the_wheel_works_beside_packages_of_its_names(
    words: list[str], start: str, installed: Path, elsewhere: Path
) -> None:
    program = [installed / "slotproof"]
    if start == "python -m":
        program = [installed / "python", "-m", "conformance"]
    path = {"PYTHONPATH": str(elsewhere)} if start == "PYTHONPATH" else {}
    done = run(*program, *words, cwd=elsewhere, **path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_without_the_entry_the_packages_would_be_hidden(installed: Path, elsewhere: Path) -> None:
    code = "import conformance.commands.decide"
    done = run(installed / "python", "-c", code, cwd=elsewhere)
    assert (done.returncode, done.stderr) == (1, "the wrong package\n")


OWN = """
from model import NAME

def test_the_model():
    assert NAME == "the project's"

def test_device(slotproof_case):
    slotproof_case.check()
"""


@pytest.mark.parametrize("start", ["pytest", "python -m pytest"])
def test_the_plugin_works_in_a_project_with_a_model_of_its_own(
    start: str, installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "__init__.py").write_text('NAME = "the project\'s"\n')
    shutil.copy(ROOT / "docs" / "example_device.py", tmp_path)
    (tmp_path / "conftest.py").write_text("")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_here.py").write_text(OWN)
    device = "cmd:python3 example_device.py --bug unmap-early"
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nslotproof_target = {device}\n")
    chosen = ("-q", "-rA", "-k", "the_model or nothing-requested or generated-traces")
    program, *words = start.split()
    done = run(installed / program, *words, *chosen, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "PASSED tests/test_here.py::test_the_model" in done.stdout
    assert "PASSED tests/test_here.py::test_device[nothing-requested]" in done.stdout
    assert "fail: generated-traces: mapped: allowed" in done.stdout
    assert f"--target '{device}'" in done.stdout
    assert "1 failed, 2 passed" in done.stdout


def test_the_version_is_that_of_the_wheel(installed: Path, elsewhere: Path) -> None:
    done = run(installed / "slotproof", "--version", cwd=elsewhere)
    assert done.stdout == "slotproof, version 0.1.0\n"


def test_the_schemas_are_in_the_wheel(installed: Path, elsewhere: Path) -> None:
    code = (
        "from importlib.resources import files\n"
        "print(*sorted(p.name for p in files('conformance').joinpath('schema').iterdir()))"
    )
    done = run(installed / "python", "-P", "-c", code, cwd=elsewhere)
    here = sorted(path.name for path in (ROOT / "conformance" / "schema").iterdir())
    assert done.stdout.split() == here
