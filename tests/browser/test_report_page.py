"""The report in a real browser: readable on a phone and in the dark, by keyboard and aloud."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

Opened = Callable[[int, bool], Chrome]
SCREENS = [(390, False), (390, True), (1400, False), (1400, True)]
FAINT = """
const lit = c => { c = c.match(/[\\d.]+/g).map(Number);
  return c.length < 4 || c[3] > 0 ? c : null };
const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
  return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b };
const under = e => { for (; e; e = e.parentElement) {
  const c = lit(getComputedStyle(e).backgroundColor); if (c) return c } return [255, 255, 255] };
const faint = [];
for (const e of document.querySelectorAll("body *")) {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || e.tagName === "STYLE" || !e.checkVisibility()) continue;
  const style = getComputedStyle(e);
  const ink = lit(e.namespaceURI.includes("svg") ? style.fill : style.color);
  const [a, b] = [light(ink), light(under(e))].sort((x, y) => y - x);
  if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(e.tagName + " " + e.textContent.slice(0, 40));
}
return faint;
"""
"""Elements with text of a contrast below 4.5 to 1."""
HIDDEN = """
const own = arguments[0].getBoundingClientRect();
return [...arguments[0].querySelectorAll("text, polyline")].filter(e => {
  const box = e.getBoundingClientRect();
  return box.left < own.left - 1 || box.right > own.right + 1 || box.bottom > own.bottom + 1;
}).map(e => e.textContent);
"""
"""Texts and lines of a drawing that lie outside it."""


def unfolded(page: Chrome) -> Chrome:
    """The page with every fold open."""
    page.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    return page


@pytest.mark.parametrize(("width", "dark"), SCREENS)
def test_the_page_fits_is_drawn_and_says_nothing_to_the_console(
    opened: Opened, width: int, dark: bool
) -> None:
    page = unfolded(opened(width, dark))
    assert page.get_log("browser") == []
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    drawings = page.find_elements(By.CSS_SELECTOR, "svg.bar, .chart svg")
    assert len(drawings) >= 6
    for drawing in drawings:
        box = drawing.rect
        assert box["width"] > 200 and box["height"] > 20
    for shape in ("mapped", "plugged", "lost", "border", "usable", "requested"):
        assert page.find_elements(By.CSS_SELECTOR, f"svg .{shape}"), shape
    lines = page.find_elements(By.CSS_SELECTOR, ".chart svg polyline")
    assert len(lines) >= 8
    for panel in page.find_elements(By.CSS_SELECTOR, ".chart svg"):
        box = panel.rect
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert page.execute_script(HIDDEN, panel) == []
    assert page.execute_script(FAINT) == []


def test_the_dark_is_dark(opened: Opened) -> None:
    ink = "return getComputedStyle(document.body).backgroundColor"
    assert opened(390, False).execute_script(ink) == "rgb(255, 255, 255)"
    assert opened(390, True).execute_script(ink) == "rgb(20, 23, 26)"


CUT = """
return [...document.querySelectorAll("table")].filter(t => {
  const box = t.getBoundingClientRect(), around = t.parentElement.getBoundingClientRect();
  return t.checkVisibility() && (box.right > around.right + 1 || box.right > innerWidth);
}).map(t => t.caption?.textContent);
"""
"""Tables that are wider than what they lie in."""
OVERLAID = """
const boxes = [...document.querySelectorAll(".device")].map(d =>
  [...d.querySelectorAll(".mark span")].map(e => e.getBoundingClientRect()));
const lies = (a, b) =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
return boxes.filter(([a, b]) => a && b && lies(a, b)).length;
"""
"""Drawings of which two labels lie on each other."""


@pytest.mark.parametrize("width", [390, 1400])
def test_the_first_screen_is_the_verdict(opened: Opened, width: int) -> None:
    page = opened(width, False)
    heading = page.find_element(By.TAG_NAME, "h1").rect
    assert heading["y"] + heading["height"] < 700
    assert page.find_element(By.CSS_SELECTOR, ".cards li").rect["y"] < 844
    groups = page.find_elements(By.CSS_SELECTOR, ".groups h2")
    assert [g.text for g in groups] == [
        "The source or patch",
        "The model and its proofs",
        "Real devices",
    ]
    screens = page.execute_script("return document.documentElement.scrollHeight") / 844
    assert screens < 12
    assert page.find_element(By.CSS_SELECTOR, "article.worst").is_displayed()


def test_the_sections_are_at_hand_while_reading(opened: Opened) -> None:
    page = opened(390, False)
    for link in page.find_elements(By.CSS_SELECTOR, "nav a"):
        target = str(link.get_attribute("href")).rpartition("#")[2]
        page.execute_script("arguments[0].click()", link)
        place = page.find_element(By.ID, target)
        assert place.is_displayed(), target
        assert page.execute_script("return arguments[0].getBoundingClientRect().top", link) < 60


@pytest.mark.parametrize("width", [390, 1400])
def test_no_column_is_cut_and_no_label_lies_on_another(opened: Opened, width: int) -> None:
    page = unfolded(opened(width, False))
    assert page.execute_script(CUT) == []
    assert page.execute_script(OVERLAID) == 0
    assert len(page.find_elements(By.CSS_SELECTOR, ".mark span")) > 10
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    # The columns of VIRTIO are all there.
    cells = page.find_elements(By.CSS_SELECTOR, "#virtio tbody tr:first-child > *")
    assert all(cell.rect["x"] + cell.rect["width"] <= width for cell in cells)


def test_on_a_phone_a_table_becomes_a_list_with_labels(opened: Opened) -> None:
    page = unfolded(opened(390, False))
    cell = page.find_element(By.CSS_SELECTOR, "td[data-label=goals]")
    before = "return getComputedStyle(arguments[0], '::before').content"
    assert page.execute_script(before, cell) == '"goals: "'
    assert cell.rect["x"] < 60
    wide = unfolded(opened(1400, False))
    cell = wide.find_element(By.CSS_SELECTOR, "td[data-label=goals]")
    assert wide.execute_script(before, cell) == "none"


def test_the_keyboard_is_enough(opened: Opened) -> None:
    page = opened(1400, False)
    press(page, Keys.TAB)
    skip = page.switch_to.active_element
    assert skip.text == "Skip to the report"
    assert skip.rect["x"] >= 0
    press(page, Keys.ENTER)
    assert page.current_url.endswith("#main")
    reached = set()
    for _ in range(900):
        press(page, Keys.TAB)
        now = page.switch_to.active_element
        if now.tag_name == "body":
            break
        reached.add(now.id)
        if now.tag_name == "summary" and not now.find_elements(By.XPATH, "parent::*[@open]"):
            press(page, Keys.SPACE)
            assert now.find_elements(By.XPATH, "parent::details[@open]")
    focusable = page.find_elements(By.CSS_SELECTOR, "main a, main summary, main [tabindex='0']")
    assert {element.id for element in focusable} <= reached


def press(page: Chrome, key: str) -> None:
    page.switch_to.active_element.send_keys(key)


def test_a_screen_reader_finds_names_tables_and_headings(opened: Opened) -> None:
    for width in (390, 1400):
        nodes = tree(unfolded(opened(width, False)))
        assert ("RootWebArea", "slotproof: report for a review") in nodes
        for role in ("image", "table", "region", "link", "navigation"):
            named = [name for found, name in nodes if found == role]
            assert named, role
            assert all(named), role
        assert len([1 for role, _ in nodes if role == "columnheader"]) > 10
        assert len([1 for role, _ in nodes if role == "rowheader"]) > 10
        sections = {"Proofs", "Targets checked", "Findings, the worst first", "Metadata of KVM"}
        sections |= {"Rules of VIRTIO", "Profiles compared", "Mutants of the rules"}
        assert sections <= {name for role, name in nodes if role == "heading"}


def tree(page: Chrome) -> list[tuple[str, str]]:
    """Role and name of all that assistive technology is told of."""
    answer: dict[str, Any] = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})
    return [
        (node["role"]["value"], node.get("name", {}).get("value", "").strip())
        for node in answer["nodes"]
        if not node["ignored"]
    ]


def test_headings_go_down_one_level_at_a_time(opened: Opened) -> None:
    page = opened(1400, False)
    levels = [int(h.tag_name[1]) for h in page.find_elements(By.CSS_SELECTOR, "h1, h2, h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
