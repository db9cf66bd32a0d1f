"""Renders the page: one HTML file that needs nothing else, and no network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from conformance.report.documents import Document
from conformance.report.proofs import Group, Transition
from conformance.report.view import View
from conformance.traces.sizes import format_size

LENGTH: Final = "#"
"""The part of a figure's path that asks how long a list is."""


def figure(document: Document, *path: str | int) -> Markup:
    """A value of a document, marked with the place that it was looked up at."""
    value: Any = document.data
    for part in path:
        value = len(value) if part == LENGTH else value[part]
    place = ".".join(map(str, path))
    return Markup('<span data-figure="{}:{}">{}</span>').format(
        document.name, place, "none" if value is None else value
    )


def counted(document: Document, group: Group, transition: Transition, field: str) -> Markup:
    """A count over the theorems about one transition, marked with what it counts."""
    value = getattr(transition, field)
    place = f"{group.profile}/{group.mapping}/{transition.name}"
    return Markup('<span data-count="{}:{}:{}">{}</span>').format(
        document.name, place, field, value
    )


def page(
    documents: Sequence[Document], view: View, links: dict[Path, str], made: dict[str, Any]
) -> str:
    """The HTML text of these documents, seen so.

    `links` says where each trace lies beside the page, `made` when and how the page was made.
    """
    environment = Environment(
        loader=PackageLoader("conformance.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["size"] = format_size
    environment.filters["inputs"] = inputs
    template = environment.get_template("report.html.j2")
    return template.render(
        view=view,
        documents=documents,
        fig=figure,
        counted=counted,
        links=links,
        made=made,
        style=Markup(environment.get_template("style.css").render()),
    )


def inputs(values: dict[str, int]) -> Markup:
    """Inputs by name, as a list of words."""
    return Markup(" ").join(
        Markup("<code>{}={}</code>").format(name, value) for name, value in values.items()
    )
