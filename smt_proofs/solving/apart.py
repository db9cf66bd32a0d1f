"""One task in a process of its own, on whatever machine asks for it.

Run as a module: reads a pickled task from standard input and writes what came of it to standard
output. The worker of a cluster lives on between tasks, and a solver's choices depend on what its
process did before.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any, Final

from smt_proofs.solving.cache import VARIABLE
from smt_proofs.solving.copies import end_with
from smt_proofs.solving.engine import text_of
from smt_proofs.solving.pool import OtherCode
from smt_proofs.solving.solvers import available, version

PACKAGES: Final = ("model", "smt_proofs", "conformance")
"""What devices are checked by is carried out apart as well."""


Code = tuple[str, ...]
"""A hash of all files, the version of Python, and each solver with its own."""


def code_here() -> Code:
    """All text and versions that the work of this process depends on."""
    text = hashlib.sha256("".join(map(text_of, PACKAGES)).encode()).hexdigest()
    solvers = map(version, available())
    return f"code {text[:16]}", f"Python {platform.python_version()}", *solvers


def differing(theirs: Code, ours: Code) -> str:
    """One line on a worker, which is this process, that is not as whoever asks."""
    return (
        f"a worker on {platform.node()} ({sys.executable}) has {', '.join(theirs)}; here are "
        f"{', '.join(ours)}: expected the same slotproof, Python and solvers on all machines"
    )


def apart(code: Code, cache: str | None, work: Callable[..., Any], *about: Any) -> Any:
    """`work(*about)`, carried out in a process of its own; what it raises is raised here.

    `code` is the text and versions that whoever asks has, `cache` the folder of proofs
    or "off" where that is said. Raises OtherCode, and ChildProcessError for a process that ended
    before it was done.
    """
    environment = dict(os.environ) if cache is None else os.environ | {VARIABLE: cache}
    run = subprocess.run(
        [sys.executable, "-P", "-m", __name__, str(os.getpid())],
        input=pickle.dumps((code, work, about)),
        capture_output=True,
        env=environment,
    )
    if run.returncode:
        said = run.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ChildProcessError(
            f"a task ended with {run.returncode} on {platform.node()}{said and ': '}{said}"
        )
    raised, found = pickle.loads(run.stdout)
    if raised:
        raise found
    return found


def answer(task: bytes) -> tuple[bool, Any]:
    """Whether the task raised, and what it raised or found."""
    code, work, about = pickle.loads(task)
    try:
        if code != (found := code_here()):
            raise OtherCode(differing(found, code))
        return False, work(*about)
    except Exception as error:
        return True, error


if __name__ == "__main__":
    # Who asked waits for it, and a worker that is killed leaves nothing at work.
    end_with(int(sys.argv[1]))
    # By its name, so that what is raised is known to whoever asked.
    from smt_proofs.solving import apart as named

    with redirect_stdout(sys.stderr):
        told = named.answer(sys.stdin.buffer.read())
    sys.stdout.buffer.write(pickle.dumps(told))
