"""Documents as a JUnit report, the XML that most continuous integration reads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from conformance.report.cases import Case, Outcome, cases_of, suite_of

ELEMENTS: Final = {Outcome.FAILED: "failure", Outcome.OPEN: "error", Outcome.SKIPPED: "skipped"}
"""How JUnit says what did not pass; it has no word for what is not decided."""
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(documents: Iterable[dict[str, Any]]) -> bytes:
    """The report of documents of prove and check: a suite each."""
    root = Element("testsuites", name="slotproof")
    every: list[Case] = []
    for document in documents:
        cases = cases_of(document)
        every += cases
        name = suite_of(document)
        suite = SubElement(root, "testsuite", {"name": _text(name), **_counts(cases)})
        for case in cases:
            _add(suite, name, case)
    root.attrib.update(_counts(every))
    indent(root)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _counts(cases: list[Case]) -> dict[str, str]:
    by_outcome = {
        f"{word}s" if word != "skipped" else word: str(sum(c.outcome is outcome for c in cases))
        for outcome, word in ELEMENTS.items()
    }
    seconds = sum(case.seconds for case in cases)
    return {"tests": str(len(cases)), **by_outcome, "time": f"{seconds:.3f}"}


def _add(suite: Element, name: str, case: Case) -> None:
    element = SubElement(
        suite,
        "testcase",
        classname=_text(f"slotproof.{name}"),
        name=_text(case.name),
        time=f"{case.seconds:.3f}",
    )
    if case.outcome is not Outcome.PASSED:
        told = SubElement(element, ELEMENTS[case.outcome], message=_text(case.message))
        if case.outcome is not Outcome.SKIPPED:
            told.set("type", case.id)


def _text(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
