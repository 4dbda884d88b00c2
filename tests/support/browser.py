"""A real Chromium without a window, driven over its DevTools protocol, that reaches this machine alone."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from tests.support.child import Child
from tests.support.services import program

_FLAGS = (
    "--headless=new",
    # Chromium refuses its sandbox to root, and containers have little shared memory.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
)
_PHONE_WIDTH = 600
_SECONDS = 10.0

Json = dict[str, Any]


class BrowserError(Exception):
    """The browser, or a script in its page, says that something failed."""


class Connection:
    """One end of the protocol: commands go out, their results and events come in."""

    def __init__(self, url: str) -> None:
        self._closing = ExitStack()
        self._socket = self._closing.enter_context(
            connect(url, proxy=None, compression=None, max_size=None, open_timeout=_SECONDS)
        )
        self._last_id = 0

    def call(self, method: str, **params: Any) -> Json:
        """Send a command and return its result; events that come before it are heard."""
        self._last_id += 1
        self._socket.send(json.dumps({"id": self._last_id, "method": method, "params": params}))
        while True:
            message = self._next(_SECONDS)
            if message.get("id") == self._last_id:
                if "error" in message:
                    raise BrowserError(f"{method}: {message['error']['message']}")
                result: Json = message["result"]
                return result

    def wait_for(self, method: str, seconds: float) -> None:
        """Return when the event comes; TimeoutError if it does not."""
        deadline = time.monotonic() + seconds
        while self._next(deadline - time.monotonic()).get("method") != method:
            pass

    def close(self) -> None:
        """Hang up."""
        self._closing.close()

    def heard(self, event: str, params: Mapping[str, Any]) -> None:
        """Called with each event."""

    def _next(self, seconds: float) -> Json:
        message: Json = json.loads(self._socket.recv(max(0.0, seconds)))
        if "method" in message:
            self.heard(message["method"], message["params"])
        return message


class Page(Connection):
    """A tab.

    :ivar errors: what its console has said of errors and warnings, and the exceptions of its scripts
    :ivar requested: URLs it has asked for
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.errors: list[str] = []
        self.requested: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Go there, and return when all of it is loaded."""
        if error := self.call("Page.navigate", url=url).get("errorText"):
            raise BrowserError(f"{url}: {error}")
        self.look("true")

    def look(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the document once it is loaded."""
        while True:
            whole = f"document.readyState === 'complete' ? {{is: ({expression})}} : null"
            try:
                answer = self.call("Runtime.evaluate", expression=whole, returnByValue=True)
            except BrowserError as error:
                if "navigated" not in str(error):
                    raise
                answer = {"result": {}}
            if "exceptionDetails" in answer:
                raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
            if seen := answer["result"].get("value"):
                return seen.get("is")
            self.wait_for("Page.loadEventFired", _SECONDS)

    def wait_until(self, expression: str, seconds: float = _SECONDS) -> None:
        """Return when the expression is true of the document, which is asked again whenever it is loaded."""
        deadline = time.monotonic() + seconds
        while not self.look(expression):
            try:
                self.wait_for("Page.loadEventFired", deadline - time.monotonic())
            except TimeoutError:
                shown = self.look("document.body.innerText")
                raise TimeoutError(f"not within {seconds:.0f} s: {expression}\n{shown}") from None

    def resize(self, width: int, height: int = 800) -> None:
        """Give the viewport another size; narrow ones are a phone's."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < _PHONE_WIDTH,
        )

    def prefer(self, scheme: str) -> None:
        """Ask for the ``light`` or the ``dark`` colours."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def screenshot(self, path: Path) -> None:
        """Write a PNG of the whole document."""
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    def heard(self, event: str, params: Mapping[str, Any]) -> None:
        """Note what went wrong, and where requests went."""
        if event == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])
        elif event == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif event == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(str(params["args"]))
        elif event == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"]))


class Browser(Child):
    """A Chromium with a profile of its own."""

    def __init__(self, folder: Path) -> None:
        profile = folder / "profile"
        self._address = profile / "DevToolsActivePort"
        command = [program("chromium"), *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        super().__init__("chromium", command, folder / "chromium.log")

    @contextmanager
    def page(self) -> Iterator[Page]:
        """Open a new tab; it is closed at the end."""
        port, path = self._address.read_text().split()
        with closing(Connection(f"ws://127.0.0.1:{port}{path}")) as driver:
            target = driver.call("Target.createTarget", url="about:blank")["targetId"]
            with closing(Page(f"ws://127.0.0.1:{port}/devtools/page/{target}")) as page:
                yield page
            driver.call("Target.closeTarget", targetId=target)

    def listens(self) -> bool:
        """Whether it takes commands."""
        return self._address.exists() and len(self._address.read_text().split()) == 2


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Run a Chromium.

    :param folder: an existing folder for its profile and its log
    """
    running = Browser(folder)
    running.start()
    try:
        running.wait_ready(running.listens)
        yield running
    finally:
        running.stop()
