"""What was decided before is found again; nothing else is."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from smt_proofs.solving import cache
from smt_proofs.solving.cache import FILE, VARIABLE, Cache, folder
from smt_proofs.solving.solve import Answer

TEXT = "(set-logic QF_LIA)\n(declare-const x Int)\n(assert (< x x))\n(check-sat)\n"


@pytest.fixture
def kept(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "deep" / "cache")


def test_answers_are_found_again_by_script_and_solver(kept: Cache) -> None:
    assert kept.answer(TEXT, "z3") is None
    kept.keep_answer(TEXT, "z3", Answer.UNSAT)
    kept.keep_answer(TEXT, "cvc5", Answer.SAT)
    assert kept.answer(TEXT, "z3") is Answer.UNSAT
    assert kept.answer(TEXT, "cvc5") is Answer.SAT
    assert kept.answer(TEXT + "\n", "z3") is None


def test_another_version_of_a_solver_is_asked_anew(
    kept: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.keep_answer(TEXT, "z3", Answer.UNSAT)
    monkeypatch.setattr(cache, "version", lambda solver: f"{solver} 99")
    assert kept.answer(TEXT, "z3") is None


def test_unknown_is_not_kept(kept: Cache) -> None:
    kept.keep_answer(TEXT, "z3", Answer.UNKNOWN)
    assert kept.answer(TEXT, "z3") is None


def test_solver_is_asked_once(kept: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def decide(text: str, solver: str, timeout: float) -> Answer:
        asked.append(solver)
        return Answer.UNKNOWN if len(asked) == 1 else Answer.UNSAT

    monkeypatch.setattr(cache, "decide", decide)
    monkeypatch.setattr(cache, "today", lambda: "2026-01-31")
    told = [kept.decide(TEXT, "z3", 1.0) for _ in range(4)]
    answers = [answer for answer, _ in told]
    assert [day for _, day in told] == ["", "", "2026-01-31", "2026-01-31"]
    assert answers == [Answer.UNKNOWN, Answer.UNSAT, Answer.UNSAT, Answer.UNSAT]
    assert asked == ["z3", "z3"]


def test_solver_decides_through_the_cache(kept: Cache) -> None:
    assert kept.decide(TEXT, "z3", 10.0) == (Answer.UNSAT, "")
    assert kept.answer(TEXT, "z3") is Answer.UNSAT


def test_records_are_found_again_by_fingerprint(kept: Cache, tmp_path: Path) -> None:
    record = {"theorem": "t", "goals": 3, "example": {"region": 1 << 63}, "controls": [None, "a"]}
    assert kept.record("f") is None
    kept.keep_record("f", record)
    assert Cache(tmp_path / "deep" / "cache").record("f") == record
    kept.keep_record("f", {})
    assert kept.record("f") == {}


def test_place_is_the_users_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    place = folder()
    assert place is not None
    assert place.name == "slotproof"
    monkeypatch.setenv(VARIABLE, str(tmp_path / "other"))
    assert folder() == tmp_path / "other"


def test_cache_can_be_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "off")
    off = Cache.of_user()
    off.keep_answer(TEXT, "z3", Answer.UNSAT)
    off.keep_record("f", {})
    assert off.answer(TEXT, "z3") is None
    assert off.record("f") is None
    assert off.decide(TEXT, "z3", 10.0) == (Answer.UNSAT, "")


def test_nothing_is_remembered_while_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with cache.nothing_remembered():
        assert folder() is None
        Cache.of_user().keep_record("f", {})
    assert folder() == tmp_path
    assert Cache.of_user().record("f") is None
    monkeypatch.delenv(VARIABLE)
    with cache.nothing_remembered():
        assert folder() is None
    assert folder() is not None


def test_place_that_is_no_folder_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file"))
    with pytest.raises(ValueError, match=r"SLOTPROOF_CACHE=.*file is no folder; name one, or say"):
        Cache.of_user()


def test_size_is_bounded_and_the_oldest_go(kept: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LARGEST", 200_000)
    for number in range(100):
        kept.keep_record(str(number), {"filling": "x" * 10_000})
    assert kept.record("0") is None
    assert kept.record("99") is not None
    assert sum(kept.record(str(number)) is not None for number in range(100)) < 20


def write(place: Path, who: int) -> int:
    mine = Cache(place)
    for number in range(50):
        mine.keep_answer(f"{number}", "z3", Answer.UNSAT)
        mine.keep_record(f"{who} {number}", {"who": who})
    return sum(mine.answer(f"{number}", "z3") is Answer.UNSAT for number in range(50))


def test_several_processes_share_a_cache(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(write, [tmp_path] * 3, range(3)))
    assert found == [50, 50, 50]
    assert Cache(tmp_path).record("2 49") == {"who": 2}


def test_store_opened_before_a_fork_is_opened_anew(tmp_path: Path) -> None:
    parent = Cache(tmp_path)
    parent.keep_record("f", {"by": "parent"})

    def work() -> None:
        parent.keep_record("g", {"by": "child", "found": parent.record("f")})

    child = get_context("fork").Process(target=work)
    child.start()
    child.join()
    assert parent.record("g") == {"by": "child", "found": {"by": "parent"}}


def damage(place: Path, how: str) -> None:
    store = place / FILE
    if how == "text":
        store.write_text("no store at all" * 1000)
    elif how == "cut short":
        store.write_bytes(store.read_bytes()[: store.stat().st_size // 2])
    elif how == "zeroes":
        store.write_bytes(bytes(store.stat().st_size))
    elif how == "another table":
        store.unlink()
        with sqlite3.connect(store) as made:
            made.execute("CREATE TABLE kept (wrong TEXT)")
        made.close()
    elif how == "a folder":
        store.unlink()
        store.mkdir()


@pytest.mark.parametrize("how", ["text", "cut short", "zeroes", "another table", "a folder"])
def test_damaged_store_counts_as_empty(tmp_path: Path, how: str) -> None:
    first = Cache(tmp_path)
    first.keep_record("f", {"filling": "x" * 20_000})
    first.close()
    damage(tmp_path, how)
    again = Cache(tmp_path)
    assert again.record("f") is None
    again.keep_record("g", {"whole": True})
    if how not in {"a folder", "another table"}:
        assert again.record("g") == {"whole": True}


def test_damaged_row_counts_as_never_decided(kept: Cache, tmp_path: Path) -> None:
    kept.keep_answer(TEXT, "z3", Answer.SAT)
    kept.close()
    with sqlite3.connect(tmp_path / "deep" / "cache" / FILE) as store:
        store.execute("UPDATE kept SET value = 'unsat'")
    store.close()
    assert kept.answer(TEXT, "z3") is None


@pytest.mark.parametrize("value", ["", "unsat", "unsat2026-11-28", "unknown 2026-11-28", "{}"])
def test_answer_in_a_form_of_another_version_counts_as_never_decided(
    kept: Cache, value: str
) -> None:
    kept._put(cache._answer_key(TEXT, "z3"), value)
    assert kept.answered(TEXT, "z3") is None
    assert kept.decide(TEXT, "z3", 10.0) == (Answer.UNSAT, "")
    assert kept.answer(TEXT, "z3") is Answer.UNSAT


@pytest.mark.parametrize("value", ["", "{", "[]", "1", "unsat 2026-11-28"])
def test_record_in_a_form_of_another_version_counts_as_never_decided(
    kept: Cache, value: str
) -> None:
    kept._put("record f", value)
    assert kept.record("f") is None
    kept.keep_record("f", {"whole": True})
    assert kept.record("f") == {"whole": True}


def test_versions_that_keep_otherwise_have_files_of_their_own() -> None:
    assert f"-{cache.FORMAT}." in FILE


def test_unwritable_place_counts_as_off(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nowhere = Cache(tmp_path / "file" / "below")
    nowhere.keep_record("f", {})
    assert nowhere.record("f") is None
