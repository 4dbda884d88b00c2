"""A headless Chromium, driven with the DevTools protocol, that can reach only this machine."""

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
    # Chromium's sandbox does not work as root, and containers have little shared memory.
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
_MAX_PHONE_WIDTH = 600
_TIMEOUT = 10.0
#: Seconds in which a command is answered, or a document is loaded, also on a busy machine.
_PATIENCE = 60.0

Json = dict[str, Any]


class BrowserError(Exception):
    """A command, or a script in a page, failed."""


class Connection:
    """A connection of the protocol: sends commands, receives results and events."""

    def __init__(self, url: str) -> None:
        self._closing = ExitStack()
        self._socket = self._closing.enter_context(
            connect(url, proxy=None, compression=None, max_size=None, open_timeout=_TIMEOUT)
        )
        self._last_id = 0

    def call(self, method: str, **params: Any) -> Json:
        """Send a command and return its result; events received before it are handled."""
        self._last_id += 1
        self._socket.send(json.dumps({"id": self._last_id, "method": method, "params": params}))
        while True:
            message = self._next(_PATIENCE)
            if message.get("id") == self._last_id:
                if "error" in message:
                    raise BrowserError(f"{method}: {message['error']['message']}")
                result: Json = message["result"]
                return result

    def wait_for(self, method: str, seconds: float) -> None:
        """Wait for an event.

        :raises TimeoutError: if it is not received in time
        """
        deadline = time.monotonic() + seconds
        while self._next(deadline - time.monotonic()).get("method") != method:
            pass

    def close(self) -> None:
        """Close the connection."""
        self._closing.close()

    def on_event(self, event: str, params: Mapping[str, Any]) -> None:
        """Handle an event."""

    def _next(self, seconds: float) -> Json:
        message: Json = json.loads(self._socket.recv(max(0.0, seconds)))
        if "method" in message:
            self.on_event(message["method"], message["params"])
        return message


class Page(Connection):
    """A tab.

    :ivar errors: errors and warnings of its console, and exceptions of its scripts
    :ivar requested: URLs it has requested
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.errors: list[str] = []
        self.requested: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Open a URL, and return once it is loaded."""
        if error := self.call("Page.navigate", url=url).get("errorText"):
            raise BrowserError(f"{url}: {error}")
        self.evaluate("true")

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the loaded document."""
        while True:
            script = f"document.readyState === 'complete' ? {{value: ({expression})}} : null"
            try:
                response = self.call("Runtime.evaluate", expression=script, returnByValue=True)
            except BrowserError as error:
                if "navigated" not in str(error):
                    raise
                response = {"result": {}}
            if "exceptionDetails" in response:
                raise BrowserError(f"{expression}: {response['exceptionDetails']}")
            if result := response["result"].get("value"):
                return result.get("value")
            self.wait_for("Page.loadEventFired", _PATIENCE)

    def wait_until(self, expression: str, seconds: float = _TIMEOUT) -> None:
        """Wait until the expression is true; it is evaluated again whenever the document is loaded."""
        deadline = time.monotonic() + seconds
        while not self.evaluate(expression):
            try:
                self.wait_for("Page.loadEventFired", deadline - time.monotonic())
            except TimeoutError:
                shown = self.evaluate("document.body.innerText")
                raise TimeoutError(f"not true within {seconds:.0f} s: {expression}\n{shown}") from None

    def resize(self, width: int, height: int = 800) -> None:
        """Resize the viewport; a narrow one emulates a phone."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < _MAX_PHONE_WIDTH,
        )

    def hide_scrollbars(self) -> None:
        """Show no scrollbars, for pictures."""
        self.call("Emulation.setScrollbarsHidden", hidden=True)

    def prefer(self, scheme: str) -> None:
        """Set the preferred color scheme, ``light`` or ``dark``."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def screenshot(self, path: Path, *, top: tuple[int, int] | None = None) -> None:
        """Write a PNG of the whole document, or of the top of the viewport: width and height in pixels."""
        clip = None if top is None else {"x": 0, "y": 0, "width": top[0], "height": top[1], "scale": 1}
        more: Json = {} if clip is None else {"clip": clip}
        image = self.call("Page.captureScreenshot", captureBeyondViewport=clip is None, **more)
        path.write_bytes(base64.b64decode(image["data"]))

    def on_event(self, event: str, params: Mapping[str, Any]) -> None:
        """Record errors and requested URLs."""
        if event == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])
        elif event == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif event == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(str(params["args"]))
        elif event == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"]))


class Browser(Child):
    """A Chromium process with its own profile."""

    def __init__(self, folder: Path) -> None:
        profile = folder / "profile"
        self._address = profile / "DevToolsActivePort"
        command = [program("chromium"), *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        super().__init__("chromium", command, folder / "chromium.log")

    @contextmanager
    def page(self) -> Iterator[Page]:
        """Open a new tab, which is closed at the end."""
        port, path = self._address.read_text().split()
        with closing(Connection(f"ws://127.0.0.1:{port}{path}")) as control:
            target = control.call("Target.createTarget", url="about:blank")["targetId"]
            with closing(Page(f"ws://127.0.0.1:{port}/devtools/page/{target}")) as page:
                yield page
            control.call("Target.closeTarget", targetId=target)

    def is_ready(self) -> bool:
        """Whether it accepts commands."""
        return self._address.exists() and len(self._address.read_text().split()) == 2


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Run a Chromium.

    :param folder: existing folder for its profile and log
    """
    running = Browser(folder)
    running.start()
    try:
        running.wait_ready(running.is_ready)
        yield running
    finally:
        running.stop()
