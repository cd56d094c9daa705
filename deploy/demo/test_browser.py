"""The page in a real browser, on a real sidecar."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "clients" / "python"
sys.path[:0] = [str(CLIENT / "src"), str(CLIENT / "tests")]

from devserver import DEADLINE, DevServer, dev_binary, eventually, free_address  # noqa: E402

if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
    if os.environ.get("CI") == "true":
        raise RuntimeError("chromium and chromedriver are not installed, and CI needs them")
    pytest.skip("chromium and chromedriver are not installed", allow_module_level=True)

from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.options import Options  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1100,900",
)


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    server = DevServer(
        dev_binary(tmp_path_factory.mktemp("binary")), tmp_path_factory.mktemp("sidecar")
    )
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def app(sidecar: DevServer) -> Iterator[str]:
    address = free_address().replace("127.0.0.1", "localhost")
    environment = {
        **{k: v for k, v in os.environ.items() if k not in ("SERVICE_NAME", "ENVIRONMENT")},
        "PYTHONPATH": str(CLIENT / "src"),
        "CONFIG_SERVICE_URL": sidecar.url,
        "DEMO_ADDR": address,
    }
    process = subprocess.Popen(
        [sys.executable, str(REPOSITORY / "deploy" / "demo" / "app.py")],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("demo on http://")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE)


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = Options()
    options.binary_location = str(shutil.which("chromium"))
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


class Page:
    def __init__(self, browser: webdriver.Chrome) -> None:
        self._browser = browser

    def value(self, key: str) -> str | None:
        """The text in the table; None without such a row."""
        text: str | None = self._ask(
            "const row = [...document.querySelectorAll('#rows tr')]"
            ".find((row) => row.dataset.key === arguments[0]);"
            "return row ? row.querySelector('.value').textContent : null",
            key,
        )
        return text

    def remember_marks(self) -> None:
        """From now on was_marked() knows which rows were marked, though marks go away again."""
        self._ask(
            "window.marked = [];"
            "new MutationObserver((all) => all.forEach(({target: row}) => {"
            "  if (row.matches('tr.changed')) window.marked.push(row.dataset.key)"
            "})).observe(document.querySelector('#rows'),"
            "  {subtree: true, attributes: true, attributeFilter: ['class']})"
        )

    def was_marked(self, key: str) -> bool:
        return bool(self._ask("return window.marked.includes(arguments[0])", key))

    def is_marked(self, key: str) -> bool:
        return bool(
            self._ask(
                "return [...document.querySelectorAll('#rows tr.changed')]"
                ".some((row) => row.dataset.key === arguments[0])",
                key,
            )
        )

    def keys(self) -> list[str]:
        keys: list[str] = self._ask(
            "return [...document.querySelectorAll('#rows tr')].map((row) => row.dataset.key)"
        )
        return keys

    def text(self, element: str) -> str:
        return self._browser.find_element(By.ID, element).text

    def complaints(self) -> list[str]:
        """What the browser's console has to say."""
        log: list[dict[str, str]] = self._browser.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in log]

    def shoot(self, name: str) -> None:
        folder = os.environ.get("DEMO_SCREENSHOTS")
        if folder:
            self._browser.save_screenshot(str(Path(folder) / f"{name}.png"))

    def _ask(self, script: str, *arguments: str) -> Any:
        return self._browser.execute_script(script, *arguments)


@pytest.fixture
def page(app: str, browser: webdriver.Chrome) -> Page:
    browser.get(app)
    page = Page(browser)
    eventually(lambda: page.value("database.pool_size") is not None)
    eventually(lambda: page.text("status") == "VALID")
    return page


def test_the_page_follows(sidecar: DevServer, page: Page) -> None:
    assert page.value("database.pool_size") == "20"
    assert page.text("pool-size") == "20"
    assert page.text("status") == "VALID"
    assert page.text("namespace") == "payment-service"
    assert page.text("environment") == "development"
    assert not page.is_marked("database.pool_size")
    page.shoot("before")

    page.remember_marks()
    sidecar.set("database.pool_size", 30)
    eventually(lambda: page.value("database.pool_size") == "30")
    eventually(lambda: page.was_marked("database.pool_size"))
    assert page.text("pool-size") == "30"
    page.shoot("changed")
    eventually(lambda: not page.is_marked("database.pool_size"))

    sidecar.set("a.new.key", {"list": [1, "two", None]})
    eventually(lambda: page.value("a.new.key") == '{"list":[1,"two",null]}')
    assert page.keys() == sorted(page.keys())
    sidecar.delete("a.new.key")
    eventually(lambda: page.value("a.new.key") is None)
    assert page.complaints() == []


def test_a_value_is_never_markup(sidecar: DevServer, page: Page) -> None:
    act = "document.title='taken'"
    evil = f'<img src=x onerror="{act}"></td><script>{act}</script>'
    sidecar.set("evil.value", evil)
    eventually(lambda: page.value("evil.value") is not None)
    assert evil.replace('"', '\\"') in str(page.value("evil.value"))
    assert page._browser.title == "Live configuration"
    assert page._browser.find_elements(By.TAG_NAME, "img") == []
    page.shoot("markup")
    sidecar.delete("evil.value")
    assert page.complaints() == []


def test_the_page_says_when_values_are_old(sidecar: DevServer, page: Page) -> None:
    keys = page.keys()
    sidecar.kill()
    eventually(lambda: page.text("status") == "STALE")
    assert page.keys() == keys
    page.shoot("stale")
    sidecar.start()
    eventually(lambda: page.text("status") == "VALID")
    sidecar.set("database.pool_size", 31)
    eventually(lambda: page.text("pool-size") == "31")
    page._browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": "dark"}]},
    )
    page.shoot("dark")
    assert page.complaints() == []
