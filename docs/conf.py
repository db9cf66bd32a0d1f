"""The site of these pages: `python -m sphinx -W -b html docs OUT`."""

import subprocess
import sys
from importlib.metadata import version as installed
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE))
from codepages import SCHEME, URL  # noqa: E402


def repository() -> str:
    """The address that this checkout was cloned from, if that is one to be read on the web."""
    asked = ["git", "-C", str(HERE), "remote", "get-url", "origin"]
    found = subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    # One with a user may hold a password.
    return found.removesuffix(".git") if found.startswith("https://") and "@" not in found else ""


project = "slotproof"
author = "slotproof"
version = release = installed("slotproof")
extensions = ["codepages", "myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
myst_url_schemes = {"http": None, "https": None, "mailto": None, SCHEME: {"url": URL}}
exclude_patterns = ["*.py"]
html_theme = "furo"
html_title = f"slotproof {version}"
html_favicon = "favicon.svg"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
if at := repository():
    html_theme_options = {
        "source_repository": at,
        "source_branch": "main",
        "source_directory": "docs/",
    }
# JSON with one message a line, and commands without prompts, are not what the lexers expect.
suppress_warnings = ["misc.highlighting_failure"]
nitpicky = True
