"""Logs of `-trace 'virtio_mem_*'`: read, explained, and rejected at the line that no run writes."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.check.runner import run_trace
from conformance.cli import slotproof
from conformance.runlog.validate import Rejected, explain_log
from conformance.runlog.witness import witness
from conformance.targets.qemu.log import Event, LogError, read_lines
from conformance.targets.recorded import RecordedTarget
from conformance.traces.trace import read_trace
from model.arithmetic import GIB, MIB
from model.profiles import QEMU
from model.state import Config, Op

CONFIG = Config(region=4 * GIB, block=2 * MIB, limit=4, addr=4 * GIB)
README = Path(__file__).parents[2] / "README.md"
DEVICE = ("--region", "4G", "--block", "2M", "--addr", "4G")
LOG = Path(__file__).parents[2] / "docs" / "virtio-mem.log"
RECORDED = LOG.read_text()
"""What QEMU 10.0.2 wrote; the two BUSY at the end are of a migration."""


def altered(number: int, old: str, new: str) -> str:
    lines = RECORDED.splitlines()
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new)
    return "\n".join(lines)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(slotproof, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def test_a_recorded_log_is_explained_by_a_run_that_writes_it() -> None:
    lines = read_lines(RECORDED)
    found = witness(QEMU, CONFIG, explain_log(QEMU, CONFIG, lines))
    assert list(found.lines) == [line.event for line in lines]
    assert run_trace(RecordedTarget(found.trace), found.trace).finding is None
    ops = [step.action.op for step in found.trace.steps]
    assert ops.count(Op.MIGRATION_START) == 1 and ops.count(Op.SYSTEM_RESET) == 2
    assert found.chosen == len(ops) - 16


@pytest.mark.parametrize(
    ("number", "old", "new"),
    [
        (1, "0x0new", "0x100000new"),
        (3, "new_size=0x50000000", "new_size=0x50000001"),
        (5, "type=0", "type=3"),
        (7, "state=2", "state=0"),
        (8, "type=0", "type=2"),
        (10, "type=3", "type=0"),
        (12, "type=0", "type=1"),
        (14, "type=1", "type=0"),
        (15, "old_size=0x50000000", "old_size=0x40000000"),
        (15, "new_size=0x90000000", "new_size=0x40000000"),
        (18, "old_size=0x90000000", "old_size=0x50000000"),
        (26, "new_size=0x100000000", "new_size=0x200000000"),
        (30, "type=2", "type=1"),
        (32, "type=2", "type=3"),
    ],
)
def test_an_altered_line_is_rejected_there(number: int, old: str, new: str) -> None:
    with pytest.raises(Rejected) as caught:
        explain_log(QEMU, CONFIG, read_lines(altered(number, old, new)))
    assert caught.value.line is not None and caught.value.line.number == number


def test_a_log_that_is_cut_off_is_rejected_at_its_end() -> None:
    cut = RECORDED.rsplit("\n", 2)[0]
    with pytest.raises(Rejected, match=r"the log ends; allowed is send_response 0 or send_resp"):
        explain_log(QEMU, CONFIG, read_lines(cut))


def test_a_response_to_nothing_is_rejected() -> None:
    text = RECORDED + "virtio_mem_send_response type=0\n"
    with pytest.raises(Rejected, match="line 33: send_response 0; allowed is the first line"):
        explain_log(QEMU, CONFIG, read_lines(text))


def test_the_requested_size_at_start_may_be_known() -> None:
    lines = read_lines(RECORDED)
    assert explain_log(QEMU, CONFIG, lines, requested=GIB).groups
    with pytest.raises(
        Rejected, match=r"line 1: .*; allowed is resized_usable_region 0 0x90000000"
    ):
        explain_log(QEMU, CONFIG, lines, requested=2 * GIB)


@pytest.mark.parametrize(("blocks", "allowed"), [(512, True), (513, False)])
def test_the_requested_size_may_be_lowered_unseen_but_not_raised(
    blocks: int, allowed: bool
) -> None:
    start = RECORDED.splitlines()[:3]
    asked = f"virtio_mem_plug_request addr=0x100000000 nb_blocks={blocks}"
    nack, ack = (f"virtio_mem_send_response type={number}" for number in (1, 0))
    for response, fits in ((nack, True), (ack, allowed)):
        lines = read_lines("\n".join([*start, asked, response]))
        if fits:
            assert len(explain_log(QEMU, CONFIG, lines).groups) == 2
        else:
            with pytest.raises(Rejected, match="line 5: send_response 0; allowed is send_resp"):
                explain_log(QEMU, CONFIG, lines)


def test_other_lines_and_timestamps_are_passed_over() -> None:
    text = "QEMU starts\n4711@1700000000.123456:virtio_mem_plug_request addr=0x10 nb_blocks=2\n"
    (line,) = read_lines(text)
    assert (line.number, line.event) == (2, Event("plug_request", (16, 2)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no line of -trace"),
        ("virtio_mem_fly \n", "line 1: virtio_mem_fly is no event"),
        ("\nvirtio_mem_send_response type=x\n", "line 2: 'type=x' is not what"),
        ("virtio_mem_plug_request addr=16 nb_blocks=2", "is not what"),
    ],
)
def test_what_is_no_log_is_told(text: str, told: str) -> None:
    with pytest.raises(LogError, match=told):
        read_lines(text)


def test_the_command_accepts_and_writes_a_run(tmp_path: Path) -> None:
    log, out = tmp_path / "log", tmp_path / "run.jsonl"
    log.write_text(RECORDED)
    result = run("trace", "validate", str(log), *DEVICE, "--limit", "4", "--trace", str(out))
    assert result.exit_code == 0
    assert result.stdout == (
        f"holds: {log}, 32 lines of 16 actions fit profile qemu; "
        f"{len(read_trace(out).steps) - 16} steps that the log leaves out were chosen\n"
    )
    assert run("trace", "replay", str(out), "--target", "reference").exit_code == 0


def test_the_command_ends_1_at_the_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(altered(7, "state=2", "state=1"))
    result = run("trace", "validate", str(log), *DEVICE)
    assert result.exit_code == 1
    assert result.stdout == (
        f"fails: {log}, line 7: state_response 1; allowed is state_response 2\n"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("/no/such/log", *DEVICE), "/no/such/log: no such file"),
        ((str(README), *DEVICE), "no line of -trace"),
        (("LOG",), "--region, --block, --addr missing"),
        (("LOG", "--region", "4G", "--block", "3M", "--addr", "4G"), "not a power of two"),
    ],
)
def test_wrong_use_is_one_line(arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(RECORDED)
    words = (str(tmp_path / "log") if word == "LOG" else word for word in arguments)
    result = run("trace", "validate", *words)
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.count("\n") == 1 and told in result.stderr
