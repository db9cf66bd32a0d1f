"""What the hash of a package's text tells apart."""

import tomllib
from pathlib import Path

from smt_proofs.solving.apart import PACKAGES
from smt_proofs.solving.engine import text_in

ROOT = Path(__file__).parents[2]


def test_each_file_counts_under_its_path(tmp_path: Path) -> None:
    for name in ("rules.py", "guest/guest.c", "guest/boot.S", "schema/check-v1.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")
    seen = [text_in(tmp_path)]
    for name in ("rules.py", "guest/guest.c", "guest/boot.S", "schema/check-v1.json"):
        (tmp_path / name).write_text("other text")
        seen.append(text_in(tmp_path))
    (tmp_path / "rules.py").rename(tmp_path / "guest/rules.py")
    seen.append(text_in(tmp_path))
    assert len(set(seen)) == len(seen)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/rules.pyc").write_text("compiled")
    assert text_in(tmp_path) == seen[-1]


def test_a_wheel_has_the_files_of_a_checkout() -> None:
    """Their hashes are compared."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    for package in PACKAGES:
        folder = ROOT / package
        brought = {f for pattern in data["package-data"][package] for f in folder.glob(pattern)}
        found = {f for f in folder.rglob("*") if f.is_file() and "__pycache__" not in f.parts}
        assert {f for f in found if f.suffix != ".py"} == {f for f in brought if f.is_file()}
