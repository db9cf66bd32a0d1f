"""HTTP with JSON over a Unix socket, as VMMs offer it."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any

from conformance.targets.driver.bus import DriverError

_SECONDS = 10.0


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(str(self._path))


def ask(path: Path, method: str, resource: str, body: Any = None) -> tuple[bool, str]:
    """One request: whether it was granted, and the text that came back. Raises DriverError."""
    connection = _Connection(path)
    headers = {"Accept": "application/json"}
    data = None
    if body is not None:
        data = json.dumps(body)
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, resource, data, headers)
        answer = connection.getresponse()
        return answer.status < 300, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise DriverError(f"{method} {resource}: {error or type(error).__name__}") from error
    finally:
        connection.close()


def told(path: Path, method: str, resource: str, body: Any = None) -> None:
    """One request that must be granted. Raises DriverError."""
    granted, text = ask(path, method, resource, body)
    if not granted:
        raise DriverError(f"{method} {resource} was refused: {' '.join(text.split())}")
