"""The site of these pages: `python -m sphinx -W -b html docs OUT`."""

from importlib.metadata import version as installed

project = "slotproof"
author = "slotproof"
version = release = installed("slotproof")
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
exclude_patterns = ["*.py"]
html_theme = "furo"
html_title = f"slotproof {version}"
html_favicon = "favicon.svg"
# JSON with one message a line, and commands without prompts, are not what the lexers expect.
suppress_warnings = ["misc.highlighting_failure"]
nitpicky = True
