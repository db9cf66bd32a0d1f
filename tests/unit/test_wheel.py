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
