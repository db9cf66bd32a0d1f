"""Programs that are no good targets: one clear line each, and the trace so far is kept."""

import shlex
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from processes import runs

from conformance.check.runner import run_trace
from conformance.cli import slotproof
from conformance.judge.finding import Kind
from conformance.targets.command import CommandTarget
from conformance.targets.pipes import Pipes
from conformance.targets.target import CAPABILITIES, OF_DRIVERS, TargetError
from conformance.traces.trace import Trace, TraceStep, read_trace
from model.arithmetic import GIB, MIB
from model.profiles import QEMU
from model.state import Config, Op, action

HELLO = (
    '{"hello":{"protocol":"slotproof","version":1,"name":"x",'
    f'"capabilities":["{next(iter({"short"} & CAPABILITIES))}"]}}}}'
)
SEE = '{"see":{"answer":"done"}}'
VIOLATION = '{"see":{"answer":"violation"}}'
TRACE = Trace(QEMU, Config(region=GIB, block=MIB, limit=2), (TraceStep(action(Op.SHORT)),) * 3)


def command(tmp_path: Path, *answers: str, end: str = "") -> str:
    """A program that gives these answers (Python expressions for bytes), then does `end`."""
    script = tmp_path / "target.py"
    script.write_text(
        "import os, sys, time\n"
        f"for answer in [{', '.join(answers)}]:\n"
        "    sys.stdin.buffer.readline()\n"
        "    sys.stdout.buffer.write(answer)\n"
        "    sys.stdout.buffer.flush()\n"
        "sys.stdin.buffer.readline()\n"
        f"{end}\n"
    )
    return f"{sys.executable} {script}"


def line(text: str) -> str:
    return repr(text.encode() + b"\n")


def failure(command_line: str, deadline: float = 10.0) -> TargetError:
    """What the target fails with, be it at hello, start or the first step."""
    with pytest.raises(TargetError) as caught:
        target = CommandTarget(command_line, deadline)
        try:
            target.start(TRACE.profile, TRACE.config)
            for step in TRACE.steps:
                target.apply(step.action)
        finally:
            target.close()
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_program_that_does_not_exist() -> None:
    error = failure("/no/such/program --flag")
    assert error.kind is Kind.DIED
    assert "cannot start /no/such/program" in str(error)


@pytest.mark.parametrize("answers", [[], [HELLO], [HELLO, SEE]])
def test_a_program_that_exits(tmp_path: Path, answers: list[str]) -> None:
    end = "print('first\\n\\nthe reason', file=sys.stderr); sys.exit(3)"
    error = failure(command(tmp_path, *map(line, answers), end=end))
    assert error.kind is Kind.DIED
    assert str(error) == "the target ended with exit status 3: the reason"


def test_a_program_that_is_killed(tmp_path: Path) -> None:
    error = failure(command(tmp_path, line(HELLO), end="os.kill(os.getpid(), 9)"))
    assert error.kind is Kind.DIED
    assert str(error) == "the target ended with signal 9"


def test_a_program_that_closes_its_output_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.targets.command.QUIT_SECONDS", 0.2)
    error = failure(command(tmp_path, line(HELLO), end="os.close(1); time.sleep(60)"))
    assert error.kind is Kind.DIED
    assert str(error) == "the target closed its standard output"


@pytest.mark.parametrize(
    "end",
    [
        "time.sleep(60)",
        "while True: sys.stdout.write('x'); sys.stdout.flush(); time.sleep(0.01)",
        "while True: sys.stderr.write('x' * 100000); sys.stderr.flush(); time.sleep(0.001)",
        "os.close(2); time.sleep(60)",
    ],
    ids=["silent", "trickling", "chatting on stderr", "without stderr"],
)
def test_a_program_that_hangs(tmp_path: Path, end: str) -> None:
    """Each would end of itself in a minute, and be DIED then, or talk for ever."""
    error = failure(command(tmp_path, line(HELLO), line(SEE), end=end), deadline=0.5)
    assert error.kind is Kind.HUNG
    assert str(error) == "the target gave no answer within 0.5 s"


def test_a_program_that_is_left_leaves_no_process(tmp_path: Path) -> None:
    """What the program started goes with it."""
    end = (
        "child = os.fork()\n"
        "if child: open(sys.argv[0] + '.pid', 'w').write(str(child))\n"
        "time.sleep(60)"
    )
    failure(command(tmp_path, line(HELLO), end=end), deadline=1.0)
    child = int((tmp_path / "target.py.pid").read_text())
    for _ in range(100):
        if not runs(child):
            return
        time.sleep(0.02)
    pytest.fail("the child still runs")


@pytest.mark.parametrize("able", sorted(OF_DRIVERS))
def test_a_program_cannot_do_what_it_would_never_be_told(tmp_path: Path, able: str) -> None:
    error = failure(command(tmp_path, line(HELLO.replace("short", able))))
    assert "invalid hello" in str(error) and able in str(error)


GARBAGE = [
    ("no json", "the target's line is no JSON object: 'no json'"),
    ("[]", "no JSON object"),
    ("\\xff", "no JSON object"),
    ("[" * 100_000, "no JSON object: '[[["),
    ("{}", "members none, expected 'see'"),
    ('{"see":{}}', "answer is None: known are ack"),
    ('{"see":{"answer":"maybe"}}', "answer is 'maybe': known are ack"),
    ('{"see":{"answer":"done","colour":1}}', "see has 'colour'"),
    ('{"see":{"answer":"done","size":1.5}}', "size is 1.5"),
    ('{"see":{"answer":"done"},"more":1}', "members see, more"),
    ('{"see":{"answer":"done","mapped":[[5,2]]}}', "end of a mapped run"),
]


@pytest.mark.parametrize(("text", "expected"), GARBAGE, ids=[str(n) for n in range(len(GARBAGE))])
def test_a_program_that_answers_garbage(tmp_path: Path, text: str, expected: str) -> None:
    error = failure(command(tmp_path, line(HELLO), line(text)))
    assert error.kind is Kind.GARBAGE
    assert expected in str(error)


def test_a_line_that_is_too_long(tmp_path: Path) -> None:
    for answer in ("b'x' * 3000000", "b'x' * 1100000 + b'\\n'"):
        error = failure(command(tmp_path, line(HELLO), answer, end="time.sleep(60)"))
        assert error.kind is Kind.GARBAGE
        assert str(error) == "the target's line is longer than 1048576 bytes"


def test_a_program_that_speaks_unasked(tmp_path: Path) -> None:
    error = failure(command(tmp_path, line(HELLO), line(f"{SEE}\n{SEE}"), line(VIOLATION)))
    assert error.kind is Kind.GARBAGE
    assert 'spoke unasked: \'{"see"' in str(error)


@pytest.mark.parametrize(
    ("hello", "expected"),
    [
        (HELLO.replace('"version":1', '"version":2'), "speaks protocol version 2, this program"),
        (HELLO.replace("slotproof", "other"), "'slotproof' was expected"),
        (HELLO.replace("short", "fly"), "'fly' is not one of"),
        (
            '{"hello":{}}',
            "hello lacks 'protocol', 'version', 'name', 'capabilities': expected protocol, version",
        ),
        ("{}", "it lacks 'hello': expected hello"),
        ("hello", "no JSON object"),
    ],
)
def test_a_hello_that_is_none(tmp_path: Path, hello: str, expected: str) -> None:
    error = failure(command(tmp_path, line(hello)))
    assert error.kind is Kind.GARBAGE
    assert expected in str(error)


def test_a_program_that_refuses_the_configuration(tmp_path: Path) -> None:
    error = failure(command(tmp_path, line(HELLO), line('{"refuse":"too\\nbig"}')))
    assert error.kind is Kind.REFUSED
    assert str(error) == "the target refused the configuration: too big"


def test_a_command_without_a_program() -> None:
    with pytest.raises(ValueError, match="command is empty"):
        CommandTarget("  ")
    with pytest.raises(ValueError, match="quotation"):
        CommandTarget("'x")


def test_a_target_that_failed_is_started_again(tmp_path: Path) -> None:
    target = CommandTarget(command(tmp_path, line(HELLO), line(SEE), end="sys.exit(1)"))
    try:
        for _ in range(2):
            found = run_trace(target, TRACE).finding
            assert found is not None
            assert (found.kind, found.step) == (Kind.DIED, 1)
    finally:
        target.close()
    target.close()


@pytest.mark.parametrize(
    ("end", "kind"), [("sys.exit(7)", "died"), ("print('?', flush=True)", "garbage")]
)
def test_check_keeps_the_trace_of_a_target_that_fails(tmp_path: Path, end: str, kind: str) -> None:
    program = command(tmp_path, line(HELLO), line(SEE), line(VIOLATION), end=end)
    failures = tmp_path / "failures"
    arguments = ["check", "--target", f"cmd:{program}", "--failures", str(failures)]
    result = CliRunner().invoke(slotproof, [*arguments, "--steps", "5"])
    assert result.exit_code == 1, result.output
    assert f"\n{kind}: the target" in result.stdout
    (kept,) = failures.iterdir()
    trace = read_trace(kept)
    assert trace.finding is not None
    assert trace.finding.kind.value == kind
    again = CliRunner().invoke(slotproof, ["trace", "replay", str(kept)])
    assert again.exit_code == 3
    assert "only the target can show it again" in again.stdout
    explained = CliRunner().invoke(slotproof, ["trace", "explain", str(kept)])
    assert explained.exit_code == 0
    assert "--target cmd:COMMAND" in explained.stdout


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("cmd:/no/such/program", "cannot start /no/such/program: no such file or directory"),
        ("cmd:/", "cannot start /: permission denied"),
        ("cmd:/etc/passwd", "cannot start /etc/passwd: permission denied"),
        ("cmd:false", "ended with exit status 1"),
        ("qemu:", "the path is empty"),
        ("qemu: ", "the path is empty"),
    ],
)
def test_what_is_no_target_at_all_is_wrong_use(spec: str, expected: str) -> None:
    told_in_one_line(spec, expected, 2)


def told_in_one_line(spec: str, expected: str, code: int) -> None:
    result = CliRunner().invoke(slotproof, ["check", "--target", spec])
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert expected in result.stderr
    assert "Errno" not in result.stderr


def test_check_tells_of_a_target_whose_hello_is_none(tmp_path: Path) -> None:
    told_in_one_line(f"cmd:{command(tmp_path, line('hello'))}", "no JSON object", 1)


@pytest.mark.parametrize("able", ["", '"size","usable"', '"fail-discard"', '"unrealize"'])
def test_a_target_that_can_do_nothing_is_wrong_use(tmp_path: Path, able: str) -> None:
    hello = HELLO.replace('"short"', able)
    told_in_one_line(f"cmd:{command(tmp_path, line(hello))}", "lists no operation", 2)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_late_line_is_no_answer_to_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """It comes before the start is sent, or is followed by the start's own answer."""
    # It speaks when the trace before is over, however long that takes.
    over = tmp_path / "over"
    wait = f"while not os.path.exists({str(over)!r}): time.sleep(0.001)\n"
    speak = f"{wait}sys.stdout.buffer.write({line(SEE)})\nsys.stdout.flush()\n"
    program = command(tmp_path, line(HELLO), line(SEE), line(VIOLATION), end="time.sleep(60)")
    script = tmp_path / "target.py"
    head, _, tail = script.read_text().rpartition("sys.stdin.buffer.readline()\n")
    read = "sys.stdin.buffer.readline()\n"
    script.write_text(head + (speak if when == "before" else read + speak + speak) + tail)
    monkeypatch.setattr("conformance.targets.command.GRACE", 0.0)
    target = CommandTarget(program)
    try:
        target.start(TRACE.profile, TRACE.config)
        target.apply(TRACE.steps[0].action)
        over.touch()
        monkeypatch.setattr("conformance.targets.command.GRACE", 30.0)
        if when == "after":
            # Nothing comes before the start is sent: it is not waited for.
            monkeypatch.setattr(Pipes, "unasked", lambda *_: b"")
        with pytest.raises(TargetError, match="spoke unasked") as caught:
            target.start(TRACE.profile, TRACE.config)
        assert caught.value.kind is Kind.GARBAGE
    finally:
        target.close()


COUNTING = f"""
import json, sys
from pathlib import Path
kept = Path(sys.argv[2]) if len(sys.argv) > 2 else None
count = 0
broken = False
for text in sys.stdin:
    message = json.loads(text)
    if "quit" in message:
        break
    if "hello" in message:
        print({HELLO!r}, flush=True)
        continue
    if kept is not None:
        count = int(kept.read_text()) if kept.exists() else 0
    count += 1
    if kept is not None:
        kept.write_text(str(count))
    if count == int(sys.argv[1]):
        sys.exit(5)
    if "start" in message:
        broken = False
        print({SEE!r}, flush=True)
    else:
        print({VIOLATION!r}.replace("violation", "silent" if broken else "violation"), flush=True)
        broken = True
"""


def counting(tmp_path: Path, *arguments: str) -> str:
    """A device that dies on a message of this number, counted by process or in a file."""
    script = tmp_path / "counting.py"
    script.write_text(COUNTING)
    return shlex.join([sys.executable, str(script), *arguments])


def checked(program: str, failures: Path) -> Result:
    arguments = ["check", "--target", f"cmd:{program}", "--failures", str(failures)]
    return CliRunner().invoke(slotproof, [*arguments, "--traces", "5", "--steps", "12"])


NOT_AGAIN = "slotproof: does not fail again from a fresh start: kept as it was\n"


def test_the_small_trace_of_a_device_that_counts_still_fails(tmp_path: Path) -> None:
    program = counting(tmp_path, "9")
    result = checked(program, tmp_path / "failures")
    assert (result.exit_code, result.stderr) == (1, "")
    (kept,) = (tmp_path / "failures").iterdir()
    # The start is a message as well.
    assert len(read_trace(kept).steps) == 8
    arguments = ["trace", "replay", str(kept), "--target", f"cmd:{program}"]
    again = CliRunner().invoke(slotproof, arguments)
    assert again.exit_code == 1
    assert again.stdout.startswith("still fails\n")


def test_a_failure_that_takes_earlier_traces_is_kept_with_them(tmp_path: Path) -> None:
    # The 20th message is in the second trace: a start and twelve steps come before.
    program = counting(tmp_path, "20")
    result = checked(program, tmp_path / "failures")
    assert result.exit_code == 1
    assert result.stderr == NOT_AGAIN.replace(
        "as it was", "as it was, with the 1 traces of the process before it that it takes"
    )
    assert "after 1 earlier traces of the same process" in result.stdout
    assert len(list((tmp_path / "failures").glob("*.jsonl"))) == 2
    # The command that is printed runs both.
    replay = next(line for line in result.stdout.splitlines() if line.startswith("replay: "))
    words = shlex.split(replay.removeprefix("replay: slotproof "))
    again = CliRunner().invoke(slotproof, words)
    assert again.exit_code == 1 and again.stdout.startswith("still fails\n")
    alone = CliRunner().invoke(slotproof, [*words[:2], *words[3:]])
    assert alone.exit_code == 0


def test_a_failure_that_nothing_brings_about_again_is_kept_as_it_was(tmp_path: Path) -> None:
    program = counting(tmp_path, "20", str(tmp_path / "counter"))
    result = checked(program, tmp_path / "failures")
    assert (result.exit_code, result.stderr) == (1, NOT_AGAIN)
    (kept,) = (tmp_path / "failures").iterdir()
    trace = read_trace(kept)
    assert trace.finding is not None
    assert (trace.finding.kind, trace.finding.step, len(trace.steps)) == (Kind.DIED, 6, 6)
    assert f"left at 6 steps, kept as {kept}\n" in result.stdout


def test_an_interrupted_shrinking_tells_where_the_trace_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("conformance.commands.options.shrink", interrupted)
    result = checked(counting(tmp_path, "9"), tmp_path / "failures")
    (kept,) = (tmp_path / "failures").iterdir()
    assert result.exit_code == 130
    assert result.stdout == ""
    assert result.stderr == f"slotproof: interrupted, kept as {kept}\n"


def test_a_well_behaved_target_is_told_to_quit(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    end = f"open({str(mark)!r}, 'w').write('quit')"
    CommandTarget(command(tmp_path, line(HELLO), end=end)).close()
    assert mark.read_text() == "quit"


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ('{"limit":{"max":0}}', "limit: nothing within 1..0, expected"),
        ('{"option":true,"inaccessible":false}', "dynamic-memslots=on needs"),
    ],
)
def test_limits_that_leave_no_device_are_wrong_input(
    tmp_path: Path, limits: str, told: str
) -> None:
    hello = HELLO.replace('"name"', f'"limits":{limits},"name"')
    target = f"cmd:{command(tmp_path, line(hello))}"
    told_in_one_line(target, told, 2)
