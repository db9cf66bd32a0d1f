"""A headless Chromium: Debian's packages chromium and chromium-driver."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir
from pathlib import Path

import pytest
from report_documents import documents, run
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

REQUIRED = "SLOTPROOF_REQUIRE_BROWSER"
Opened = Callable[[int, bool], Chrome]


@pytest.fixture(scope="session")
def browsers() -> Iterator[Callable[[], Chrome]]:
    """Starts browsers; without one a skip, or a failure if one is required."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        reason = "no chromium with chromedriver: apt-get install chromium chromium-driver"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with ExitStack() as stack:

        def start() -> Chrome:
            options = ChromeOptions()
            options.binary_location = browser
            for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
                options.add_argument(f"--{flag}")
            options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
            opened = Chrome(options=options, service=Service(driver))
            stack.callback(opened.quit)
            return opened

        yield start


@pytest.fixture(scope="session")
def report_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report."""
    place: Path = tmp_path_factory.mktemp("page")
    # Where prove keeps its traces.
    with chdir(place):
        assert run("report", "--out", place / "out", *documents(place)).exit_code == 0
    return (place / "out" / "index.html").as_uri()


@pytest.fixture(scope="session")
def opened(browsers: Callable[[], Chrome], report_page: str) -> Opened:
    """Opens the report in a window of some width (pixels), in the dark or not."""
    browser = browsers()

    def show(width: int, dark: bool) -> Chrome:
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        browser.get(report_page)
        return browser

    return show
