"""`check` and `trace` on the command line: output, exit codes, one line for wrong use."""

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from errno import EACCES, ENOSPC
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner, Result

from conformance.cli import slotproof
from conformance.commands import options
from conformance.traces.failures import key
from conformance.traces.schemas import problem
from conformance.traces.trace import read_trace
from model.state import Op


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(slotproof, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def test_a_check_that_holds_ends_0(tmp_path: Path) -> None:
    result = run("check", "--traces", "5", "--steps", "20", "--failures", str(tmp_path / "f"))
    assert result.exit_code == 0
    assert "  traces            5\n  steps             100\n" in result.stdout
    assert result.stdout.endswith("in the cases counted\n")
    assert result.stderr == ""
    assert not (tmp_path / "f").exists()


def test_a_check_that_fails_ends_1_with_a_trace_that_replays(tmp_path: Path) -> None:
    failures = tmp_path / "deep" / "failures"
    result = run("check", "--profile", "seed-v2", "--failures", str(failures))
    assert result.exit_code == 1
    assert "made small to 2 steps" in result.stdout
    assert "migration-in" in result.stdout
    (kept,) = failures.iterdir()
    command = result.stdout.splitlines()[-1].removeprefix("replay: slotproof ")
    assert command == f"trace replay {kept} --target reference"
    again = run(*command.split())
    assert again.exit_code == 1
    assert again.stdout.startswith("still fails\ninvariant: ")
    explained = run("trace", "explain", str(kept))
    assert explained.exit_code == 0
    assert explained.stdout.startswith("invariant: ")
    shrunk = run("trace", "shrink", str(kept), "--failures", str(failures))
    assert shrunk.exit_code == 0
    assert shrunk.stdout.startswith(f"2 steps made 2, kept as {kept}\n")


@pytest.mark.parametrize(("profile", "code"), [("qemu", 0), ("seed-v2", 1)])
def test_the_json_of_a_check_is_valid(tmp_path: Path, profile: str, code: int) -> None:
    arguments = ["check", "--profile", profile, "--traces", "9", "--failures", str(tmp_path)]
    result = run(*arguments, "--json")
    assert result.exit_code == code
    document = json.loads(result.stdout)
    assert problem(document, "check-v1.json") is None
    assert document["verdict"] == ("fails" if code else "holds")
    if code:
        assert Path(document["failure"]["trace"]).exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["fly"], "No such command 'fly'"),
        (["check", "--fly"], "No such option"),
        (["check", "more"], "unexpected extra argument"),
        (["check", "--profile", "xen"], "unknown profile 'xen': known are seed-v2, qemu"),
        (["check", "--target", "xen"], "unknown target 'xen': known are reference"),
        (["check", "--target", "reference:x"], "unknown target"),
        (["check", "--target", "cmd:"], "the command is empty"),
        (["check", "--target", "cmd:'x"], "quotation"),
        (["check", "--traces", "0"], "0 is not in the range x>=1"),
        (["check", "--traces", "-3"], "-3 is not in the range"),
        (["check", "--steps", "0"], "0 is not in the range"),
        (["check", "--seed", "-1"], "-1 is not in the range"),
        (["check", "--seed", "x"], "'x' is not a valid integer"),
        (["trace", "replay"], "Missing argument 'FILE...'"),
        (["trace", "replay", "/no/such/file"], "/no/such/file: no such file"),
        (["trace", "explain", "/"], "is a directory"),
        (["trace", "generate", "/no/such/dir/x"], "cannot write /no/such/dir/x"),
        (["trace", "generate", "-"], "'-' is not the name of a file"),
        (["trace", "generate", __file__], "exists already"),
        (["trace", "generate", "x", "--region", "5G+1"], "'5G+1' is not a size"),
        (["trace", "generate", "x", "--region", "0"], "region size 0"),
        (["trace", "generate", "x", "--region", "5G", "--block", "3M"], "power of two"),
        (["trace", "generate", "x", "--limit", "0"], "limit 0"),
        (["trace", "generate", "x", "--limit", "4294967296"], "limit 4294967296"),
        (["trace", "generate", "x", "--no-inaccessible", "--option"], "unplugged-inaccessible"),
        (["trace", "generate", "x", "--steps", "0"], "0 is not in the range"),
    ],
)
def test_wrong_use_ends_2_with_one_line(arguments: list[str], expected: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("slotproof: ")
    assert result.stderr.count("\n") == 1
    assert expected in result.stderr


@pytest.mark.parametrize("command", [["check", "--target", "cmd:false"], ["trace", "shrink", "t"]])
@pytest.mark.parametrize("place", ["file", "file/x", "link", "link/x", "closed", "closed/x/y"])
def test_a_place_that_keeps_no_failures_is_refused_before_the_run(
    tmp_path: Path, command: list[str], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("link").symlink_to("nowhere")
    Path("closed").mkdir()

    def refuse(dir: Path) -> Any:
        if dir == tmp_path / "closed":
            raise PermissionError(EACCES, "Permission denied")
        return TemporaryDirectory(dir=dir)

    # A superuser may write anywhere, so the refusal is played.
    monkeypatch.setattr("conformance.traces.failures.TemporaryDirectory", refuse)
    run("trace", "generate", "t", "--steps", "3")
    there = sorted(tmp_path.iterdir())
    result = run(*command, "--failures", place)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("slotproof: ")
    assert result.stderr.count("\n") == 1
    assert place in result.stderr
    assert sorted(tmp_path.iterdir()) == there


def full(*_: object) -> None:
    raise OSError(ENOSPC, "No space left on device")


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_finding_that_cannot_be_kept_is_told_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: list[str]
) -> None:
    monkeypatch.setattr("conformance.traces.failures.write_parts", full)
    result = run("check", "--profile", "seed-v2", "--failures", str(tmp_path), *form)
    assert result.exit_code == 1
    assert result.stderr == (
        f"slotproof: cannot keep failing traces in {tmp_path}: no space left on device\n"
    )
    assert not any(tmp_path.iterdir())
    again = "slotproof check --target reference --profile seed-v2 --seed 0 --traces"
    if form:
        document = json.loads(result.stdout)
        assert problem(document, "check-v1.json") is None
        assert document["failure"]["trace"] is None
        assert document["failure"]["replay"].startswith(again)
        return
    assert "fails: made small to 2 steps, not kept\n" in result.stdout
    command = result.stdout.splitlines()[-1].removeprefix("replay: ")
    assert command.startswith(again)
    monkeypatch.undo()
    repeated = run(*command.split()[1:], "--failures", str(tmp_path))
    assert repeated.exit_code == 1
    assert "made small to 2 steps, kept as" in repeated.stdout


def test_a_trace_stays_kept_when_the_small_one_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def then_full(*arguments: Any) -> Any:
        monkeypatch.setattr("conformance.traces.failures.write_parts", full)
        return small(*arguments)

    small = options.shrink
    monkeypatch.setattr("conformance.commands.options.shrink", then_full)
    result = run("check", "--profile", "seed-v2", "--failures", str(tmp_path))
    assert result.exit_code == 1
    assert "no space left" in result.stderr
    (kept,) = tmp_path.iterdir()
    assert f"fails: left at {len(read_trace(kept).steps)} steps, kept as {kept}\n" in result.stdout
    assert (
        result.stdout.splitlines()[-1]
        == f"replay: slotproof trace replay {kept} --target reference"
    )


def test_a_small_trace_that_cannot_be_kept_is_told_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("check", "--profile", "seed-v2", "--failures", str(tmp_path)).exit_code == 1
    (kept,) = tmp_path.iterdir()
    monkeypatch.setattr("conformance.traces.failures.write_parts", full)
    result = run("trace", "shrink", str(kept), "--failures", str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert result.stdout.startswith("2 steps made 2\ninvariant: ")
    assert result.stdout.endswith(f"replay: slotproof trace replay {kept} --target reference\n")


def test_generate_writes_the_same_trace_for_the_same_seed(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for path in (one, two):
        result = run("trace", "generate", str(path), "--seed", "7", "--steps", "30")
        assert result.stdout == f"wrote {path}: 30 steps, profile qemu, seed 7\n"
    assert one.read_bytes() == two.read_bytes()
    assert run("trace", "replay", str(one)).stdout == (
        "holds: all 30 steps are allowed, every invariant and contract holds\n"
    )
    assert run("trace", "replay", str(one), "--target", "reference").exit_code == 0
    assert run("trace", "explain", str(one)).stdout.startswith("nothing to explain")
    nothing = run("trace", "shrink", str(one))
    assert nothing.exit_code == 2
    assert "nothing to shrink" in nothing.stderr


def test_generate_keeps_the_fields_that_are_given(tmp_path: Path) -> None:
    path = tmp_path / "t"
    fields = {"region": "5G", "block": "2M", "limit": "3", "requested": "1G", "addr": "2T"}
    options = [word for name, value in fields.items() for word in (f"--{name}", value)]
    run("trace", "generate", str(path), *options, "--page", "2M", "--extent", "1G", "--prealloc")
    config = read_trace(path).config
    assert (config.region, config.block, config.limit) == (5 << 30, 2 << 20, 3)
    assert (config.requested, config.addr, config.page) == (1 << 30, 2 << 40, 2 << 20)
    assert (config.extent, config.prealloc) == (1 << 30, True)


def test_a_trace_that_differs_from_the_model_fails_when_replayed(tmp_path: Path) -> None:
    path = tmp_path / "t"
    run("trace", "generate", str(path), "--steps", "5")
    forged = path.read_text().replace('"answer":"done"', '"answer":"refused"', 1)
    path.write_text(forged)
    result = run("trace", "replay", str(path))
    assert result.exit_code == 1
    assert result.stdout.startswith(
        "recorded as failing: divergence: answer: allowed done, seen refused"
    )
    assert run("trace", "explain", str(path)).stdout.startswith("divergence: answer")


EXAMPLE = f"cmd:{sys.executable} {Path(__file__).parents[2] / 'docs' / 'example_device.py'}"


def test_a_device_that_starts_wrong_is_judged_from_its_own_trace(tmp_path: Path) -> None:
    target = f"{EXAMPLE} --bug floor-slots"
    result = run("check", "--target", target, "--failures", str(tmp_path), "--json")
    failure = json.loads(result.stdout)["failure"]
    assert (failure["finding"]["what"], failure["finding"]["step"]) == ("slots", 0)
    seen = failure["seen"]["slots"]
    assert seen != failure["allowed"]["slots"]
    kept = Path(failure["trace"])
    replayed = run("trace", "replay", str(kept))
    assert replayed.exit_code == 1
    assert replayed.stdout.startswith("recorded as failing: divergence: slots: allowed count ")
    shown = "slots " + " ".join(f"{name} {value}" for name, value in seen.items())
    for text in (replayed.stdout, run("trace", "explain", str(kept)).stdout):
        assert f"\n  seen     {shown}\n" in text
    assert run("trace", "replay", str(kept), "--target", EXAMPLE).stdout.startswith("fixed: ")
    header, rest = kept.read_text().split("\n", 1)
    older = {name: value for name, value in json.loads(header).items() if name != "see"}
    kept.write_text(f"{json.dumps(older)}\n{rest}")
    undecided = run("trace", "replay", str(kept))
    assert undecided.exit_code == 3
    assert undecided.stdout.startswith("not decided: only the target can show it again")


def test_a_view_that_was_not_shown_is_not_decided_without_the_target(tmp_path: Path) -> None:
    path = tmp_path / "t"
    run("trace", "generate", str(path), "--steps", "1")
    header, step, end = map(json.loads, path.read_text().splitlines())
    header["finding"] = {"kind": "divergence", "what": "usable", "step": 1, "message": "none"}
    step["see"].pop("usable")
    path.write_text("".join(f"{json.dumps(line)}\n" for line in (header, step, end)))
    assert run("trace", "replay", str(path)).exit_code == 3


def test_a_check_of_the_model_claims_no_comparison(tmp_path: Path) -> None:
    arguments = ["check", "--traces", "2", "--steps", "5", "--failures", str(tmp_path)]
    text = run(*arguments).stdout
    assert text.startswith(
        "checked reference against profile qemu, seed 0: "
        "the model against its own invariants and contracts\n"
    )
    assert "compared" not in text and "difference" not in text
    assert "\n  not asked         nothing left out\n" in text
    document = json.loads(run(*arguments, "--json").stdout)
    assert (document["compared"], document["not_asked"]) == ({}, [])


def test_a_check_says_what_was_never_asked(tmp_path: Path) -> None:
    capabilities = ["plug", "state", "resize", "fail-prealloc", "fail-discard", "size"]
    code = Path(__file__).parents[2].joinpath("docs", "example_device.py").read_text()
    script = tmp_path / "limited.py"
    everything = "able = REQUESTS + EVENTS + FAULTS + VIEWS"
    assert everything in code
    script.write_text(code.replace(everything, f"able = {capabilities!r}"))
    target = f"cmd:{sys.executable} {script}"
    arguments = ["check", "--target", target, "--traces", "2", "--failures", str(tmp_path)]
    result = run(*arguments)
    left_out = [op.value for op in Op if op.value not in capabilities]
    # No operation that is asked meets a failing discard.
    left_out += ["fail-populate", "fail-discard"]
    assert f"\n  not asked         {', '.join(left_out)}\n" in result.stdout
    (line,) = (line for line in result.stdout.splitlines() if "invariant checks" in line)
    assert line.endswith(" (of the model's states)")
    assert result.stdout.endswith(
        "holds: no difference, no invariant and no contract violated in the cases counted\n"
    )
    document = json.loads(run(*arguments, "--json").stdout)
    assert problem(document, "check-v1.json") is None
    assert document["not_asked"] == left_out


def test_a_target_that_cannot_do_a_step_is_wrong_use(tmp_path: Path) -> None:
    path, script = tmp_path / "t", tmp_path / "target.py"
    run("trace", "generate", str(path), "--steps", "5")
    hello = {"protocol": "slotproof", "version": 1, "name": "x", "capabilities": ["short"]}
    script.write_text(f"input(); print({json.dumps({'hello': hello})!r}, flush=True); input()")
    result = run("trace", "replay", str(path), "--target", f"cmd:{sys.executable} {script}")
    assert result.exit_code == 2
    assert "step 1 needs it" in result.stderr


def test_the_version_is_told() -> None:
    assert run("--version").stdout.startswith("slotproof, version ")


def test_progress_is_shown_on_a_terminal_only() -> None:
    """A pseudo-terminal as standard error; standard output stays clean."""
    master, slave = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "conformance.cli", "check", "--traces", "5"],
        stdout=subprocess.PIPE,
        stderr=slave,
        env=os.environ | {"TERM": "xterm"},
    ) as process:
        os.close(slave)
        shown = b""
        # Read as it comes: a full terminal would stop the program. At its end reading fails.
        with suppress(OSError):
            while part := os.read(master, 1 << 16):
                shown += part
        told, _ = process.communicate()
    os.close(master)
    assert b"checking" in shown
    assert process.returncode == 0 and b"checking" not in told


@pytest.mark.parametrize("arguments", [[], ["trace"]])
def test_a_missing_command_shows_which_there_are(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Commands:" in result.stderr


def test_kept_traces_run_first_where_they_are_about_the_same_profile(tmp_path: Path) -> None:
    kept = ["check", "--failures", str(tmp_path), "--traces", "20"]
    wrong = [*kept, "--profile", "seed-v2"]
    runner = CliRunner()
    assert "run before" not in runner.invoke(slotproof, wrong).stdout
    again = runner.invoke(slotproof, wrong).stdout
    assert "run before        1 kept traces" in again
    assert "a kept trace fails again, so no new one was run: --distinct 2 runs them too" in again
    more = runner.invoke(slotproof, [*wrong, "--distinct", "3"]).stdout
    assert "run before        1 kept traces" in more and "no new one was run" not in more
    assert more.count("\nfails: ") == 3 == len(set(re.findall(r"^  rule     (.*)$", more, re.M)))
    other = runner.invoke(slotproof, kept)
    assert (other.exit_code, "run before" in other.stdout) == (0, False)


def test_a_trace_that_was_kept_of_another_target_does_not_hold_this_one_up(tmp_path: Path) -> None:
    def checked(*arguments: str) -> str:
        target = " ".join(["cmd:" + sys.executable, "docs/example_device.py", *arguments])
        options = ["--target", target, "--traces", "5", "--failures", str(tmp_path)]
        return CliRunner().invoke(slotproof, ["check", *options]).stdout

    assert "fails: made small" in checked("--bug", "unmap-early")
    assert "traces            0\n" in checked("--bug", "unmap-early")
    other = checked("--bug", "never-unmap")
    assert "run before" not in other and "traces            0\n" not in other
    files = sorted(tmp_path.glob("*.jsonl"))
    assert len(files) == 2 and all(file.name.startswith("cmd-python") for file in files)
    # A trace that somebody put there is for any target that can do it.
    (tmp_path / "by-hand.jsonl").write_bytes(files[0].read_bytes())
    assert "run before        1 kept traces" in checked()


@pytest.mark.parametrize(
    ("spec", "begins"),
    [
        ("reference", "reference-"),
        ("qemu:/opt/qemu/bin/qemu-system-x86_64", "qemu-qemu-system-x86-64-"),
        ("vmm:firecracker=/a b/firecracker", "vmm-firecracker-"),
        ("cmd:./my_device --fast=/x", "cmd-my-device-"),
        (f"cmd:{'x' * 300}", f"cmd-{'x' * 36}-"),
    ],
)
def test_what_is_kept_is_named_by_its_target(spec: str, begins: str) -> None:
    name = key(spec)
    assert re.fullmatch(f"{begins}[0-9a-f]{{8}}", name) and key(f"{spec} ") != name
