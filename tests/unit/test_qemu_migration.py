"""A migration to a program: what waits for whom."""

from pathlib import Path
from typing import Any

from conformance.targets.qemu.migration import Stream, cancel
from conformance.targets.qemu.process import QemuProcess


class Recorded(QemuProcess):
    """A QEMU whose migration runs until it is cancelled, and what the program may do by then."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(Path("qemu"), ())
        self.stream = stream
        self.reads_at: list[bool] = []

    def qmp(self, command: str, *more: Any, **named: Any) -> Any:
        if command == "migrate_cancel":
            self.reads_at.append(self.stream.gate.exists())
            return {}
        return {"status": "cancelled" if self.reads_at else "active"}


def test_the_program_may_end_before_a_cancelled_migration_waits_for_it(tmp_path: Path) -> None:
    """QEMU 7.2 may wait for its program before it answers; then nobody would let it read."""
    stream = Stream(tmp_path / "stream", piped=True)
    source = Recorded(stream)
    cancel(source, stream)
    assert source.reads_at == [True]
    cancel(source, stream)
    assert source.reads_at == [True]
