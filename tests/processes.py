"""What became of processes that a test started, or had started."""

from pathlib import Path


def runs(process: int) -> bool:
    """The process is there, and not dead already."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
