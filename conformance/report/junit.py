"""Documents as a JUnit report, the XML that most continuous integration reads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from io import BytesIO
from typing import Any, Final

from junitparser import Attr, Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from conformance.report.cases import Case, Outcome, cases_of, suite_of
from conformance.report.rule_texts import rule_text

ELEMENTS: Final = {Outcome.FAILED: Failure, Outcome.OPEN: Error, Outcome.SKIPPED: Skipped}
"""How JUnit says what did not pass; it has no word for what is not decided."""
COUNTS: Final = ("remembered", "decided", "oldest")
"""What a document says of what earlier runs decided, as properties of its suite."""
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class PlacedCase(TestCase):
    """A test case with its place in a source."""

    file = Attr()
    line = Attr()


def junit(documents: Iterable[dict[str, Any]]) -> bytes:
    """The report of documents of prove, check and verify-source: a suite each."""
    report = JUnitXml("slotproof")
    for document in documents:
        name = _text(suite_of(document))
        suite = TestSuite(name)
        for count in COUNTS:
            if document.get(count) is not None:
                suite.add_property(count, str(document[count]))
        suite.add_testcases([_case(case, name) for case in cases_of(document)])
        report.add_testsuite(suite)
    report.update_statistics()  # type: ignore[no-untyped-call]
    for part in (report, *report):
        if not part.time:
            # A sum over cases that have none.
            part._elem.attrib.pop("time")
    text = BytesIO()
    report.write(text, pretty=True)
    return text.getvalue()


def _case(case: Case, suite: str) -> PlacedCase:
    time = None if case.seconds is None else round(case.seconds, 3)
    shown = PlacedCase(_text(case.name), classname=f"slotproof.{suite}", time=time)
    file, line = case.place
    if file:
        shown.file, shown.line = _text(file), str(line)
    if case.outcome is not Outcome.PASSED:
        kind = None if case.outcome is Outcome.SKIPPED else case.id
        result = ELEMENTS[case.outcome](_text(case.message), kind)
        if kind is not None and (says := rule_text(case)):
            result.text = _text(f"{case.id}: {says}")
        shown.result = [result]
    if case.remembered:
        shown.system_out = f"remembered from {case.remembered}"
    return shown


def _text(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
