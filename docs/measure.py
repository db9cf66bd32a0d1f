"""Measures the memslots of eight devices on this machine, as root, and keeps the figures:

python docs/measure.py
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

HERE: Final = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "benchmarks")]

import updates  # noqa: E402
from measuredbook import add  # noqa: E402

DEVICES: Final = {
    "1 TiB, 1 GiB plugged": {"region": "1T", "plugged": "1G"},
    "one memslot": {"region": "1G", "plugged": "2M"},
    "short last memslot": {"region": "9344M", "plugged": "9344M", "limit": "3"},
    "unaligned start": {"region": "6G", "plugged": "3G", "addr": "0x147e00000"},
    "unaligned blocks": {"region": "5G", "plugged": "4G", "addr": "0x100400000"},
    "256 memslots of 1 GiB": {"region": "256G", "plugged": "256G"},
    "half of 16 memslots": {"region": "16G", "plugged": "8G"},
    "nothing plugged": {"region": "2G"},
}


def measured(words: dict[str, str]) -> dict[str, Any]:
    """The document of one device."""
    options = [word for name, value in words.items() for word in (f"--{name}", value)]
    command = [sys.executable, "-m", "conformance", "metadata", *options, "--measure", "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def machine() -> str:
    """This machine in a few words."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = int(Path("/proc/meminfo").read_text().split()[1]) >> 20
    return f"{platform.machine()} ({model[1] if model else 'unknown'}), {memory} GiB of memory"


def updated() -> list[dict[str, Any]]:
    """How long updates of memslots take, of 256 dynamic ones and of a static one as large: the
    least, the middle and the most milliseconds."""
    static, dynamic = (dict(updates.measured(one)) for one in (True, False))
    return [
        {
            "what": what,
            "static": [round(one, 3) for one in (min(ms), median(ms), max(ms))],
            "dynamic": [round(one, 3) for one in (min(d), median(d), max(d))],
        }
        for (what, ms), d in zip(static.items(), dynamic.values(), strict=True)
    ]


def main() -> None:
    """Measure all and write the file."""
    found, kernel = [], {}
    for name, words in DEVICES.items():
        document = measured(words)
        kernel, device = document["kernel"], document["devices"][0]
        about = {key: device[key] for key in ("region", "block", "addr", "limit", "plugged")}
        found.append({"name": name, **about, "cases": document["measured"]})
        print(name, "as predicted", flush=True)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    entry = {"kernel": kernel, "machine": machine(), "at": now, "devices": found}
    add(entry | {"updates": updated()})


if __name__ == "__main__":
    main()
