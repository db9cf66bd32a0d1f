"""Patches out of mails: encodings, mboxes, the order of a series, and how they are applied."""

import difflib
from email.message import EmailMessage

import pytest

from smt_proofs.source.diffs import ApplyError, applied, hunks_of
from smt_proofs.source.mails import read_series
from smt_proofs.source.material import Material
from smt_proofs.source.parse import SourceError
from smt_proofs.source.series import patched

FILE = "hw/virtio/virtio-mem.c"
TEXT = "".join(f"line {number} é\n" for number in range(40))


def diff(before: str, after: str, file: str = FILE) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"a/{file}", f"b/{file}", lineterm=""
    )
    return "\n".join(lines) + "\n"


def mail(subject: str, body: str, encoding: str = "8bit", postmark: bool = True) -> bytes:
    message = EmailMessage()
    message["From"] = "A <a@example.org>"
    message["Subject"] = subject
    message.set_content(body, cte=encoding)
    head = b"From a@example.org Mon Sep 17 00:00:00 2001\n" if postmark else b""
    return head + message.as_bytes() + b"\n"


ONE = TEXT.replace("line 3 ", "line three ")
TWO = ONE.replace("line 30 ", "line thirty ")
FIRST, SECOND = diff(TEXT, ONE), diff(ONE, TWO)
COVER = mail("[PATCH v2 0/2] two lines", "Nothing to apply here.\n")


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
def test_a_mail_is_read_in_every_encoding(encoding: str) -> None:
    series = read_series(mail("[PATCH] a line", f"Why.\n---\n{FIRST}-- \n2.39\n", encoding))
    assert series is not None
    [patch] = series.patches
    assert patch.subject == "a line"
    assert applied(hunks_of(patch.text), TEXT) == ONE


def test_a_mail_without_a_postmark_and_with_crlf() -> None:
    data = mail("[PATCH] a line", FIRST, postmark=False).replace(b"\n", b"\r\n")
    series = read_series(data)
    assert series is not None
    assert applied(hunks_of(series.patches[0].text), TEXT) == ONE


def test_an_attached_patch_is_found() -> None:
    message = EmailMessage()
    message["Subject"] = "[PATCH] attached"
    message.set_content("See the attachment.")
    message.add_attachment(FIRST.encode(), "text", "x-patch", filename="a.patch")
    series = read_series(message.as_bytes())
    assert series is not None
    assert applied(hunks_of(series.patches[0].text), TEXT) == ONE


def test_a_series_is_put_in_order_and_applied() -> None:
    second = mail("[PATCH v2 2/2] thirty", SECOND, "base64")
    first = mail("[PATCH v2 1/2] three", FIRST, "quoted-printable")
    series = read_series(COVER + second + first)
    assert series is not None and not series.missing
    assert [patch.number for patch in series.patches] == [1, 2]
    assert patched(series, Material("x.c", TEXT)).material.source == TWO


def test_what_cannot_be_a_series_is_said() -> None:
    first, second = mail("[PATCH 1/3] a", FIRST), mail("[PATCH 2/3] b", SECOND)
    series = read_series(first + second)
    assert series is not None and series.missing == (3,)
    with pytest.raises(SourceError, match="are not in it: 3"):
        patched(series, Material("x.c", TEXT))
    with pytest.raises(SourceError, match="two patches are number 1"):
        read_series(first + first)
    with pytest.raises(SourceError, match=r"several versions \(v1, v2\)"):
        read_series(first + mail("[PATCH v2 2/3] b", SECOND))


def test_text_without_a_diff_is_no_series() -> None:
    assert read_series(b"int main(void) { return 0; }\n") is None
    assert read_series(COVER) is None


def test_hunks_are_found_where_they_moved_to() -> None:
    moved = "new\n" * 7 + TEXT
    assert applied(hunks_of(SECOND), "new\n" * 7 + ONE) == "new\n" * 7 + TWO
    assert applied(hunks_of(FIRST), moved) == "new\n" * 7 + ONE
    both = diff(TEXT, TWO.replace("line 5 ", "line five\nand a half "))
    assert "and a half" in applied(hunks_of(both), moved)


def test_a_hunk_that_does_not_apply_is_named() -> None:
    with pytest.raises(ApplyError, match=f"line 1 of {FILE} does not apply.*line 3 é"):
        applied(hunks_of(FIRST), TEXT.replace("line 3 ", "other "))
    with pytest.raises(ApplyError, match="in there already"):
        applied(hunks_of(FIRST), ONE)
    series = read_series(mail("[PATCH 1/2] a", FIRST) + mail("[PATCH 2/2] b", FIRST))
    assert series is not None
    with pytest.raises(SourceError, match=r"^patch 2/2 'b': the hunk at line 1 of"):
        patched(series, Material("x.c", TEXT))


def test_other_files_are_told_and_a_header_that_is_not_there_kept() -> None:
    header = "include/hw/virtio/virtio-mem.h"
    text = FIRST + diff("a\n", "b\n", "docs/x.rst") + diff("int a;\n", "int b;\n", header)
    series = read_series(text.encode())
    assert series is not None
    done = patched(series, Material("x.c", TEXT))
    assert (done.material.source, done.others) == (ONE, ("docs/x.rst",))
    assert [hunk.file for hunk in done.header_hunks] == [header]
    done = patched(series, Material("x.c", TEXT, "int a;\n"))
    assert done.material.header == "int b;\n" and not done.header_hunks


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n".join(FIRST.split("\n")[:6]), "shorter than expected"),
        (FIRST.replace(" line 1 ", "!line 1 "), "Hunk diff line expected"),
    ],
)
def test_a_diff_that_is_cut_off_or_garbled_is_refused_by_line(text: str, said: str) -> None:
    with pytest.raises(SourceError, match=rf"^line \d+: .*{said}"):
        hunks_of(text)
