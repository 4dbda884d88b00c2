"""Take the pictures of the documentation: a real Airflow and the sandbox, in a headless Chromium.

``make pictures`` writes them to ``docs/pictures``; ``--only NAME`` writes one of them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow_provider_engagevoice.sandbox.server import SandboxServer
from tests.support.browser import Page, browser
from tests.support.connections import jwt_connection
from tests.support.real_airflow import RealAirflow, real_airflow

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
SIZE = (1280, 720)
#: Of the log without the traceback, in which paths of this machine are.
HEIGHTS = {"log": 395}
ROLLOUT = "seasonal_rollout"
#: A busy machine answers tasks late.
PATIENT = {"AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60"}
EXAMPLES = [ROOT / "example_dags" / f"{name}.py" for name in (ROLLOUT, "on_campaign_opened")]
#: A DAG with a mistake that only the server can find.
MISTAKE = """
import pendulum
from airflow.sdk import DAG

from airflow_provider_engagevoice.operators.campaigns import EngageVoiceUpdateCampaignOperator

with DAG("pause_renewals", schedule=None, start_date=pendulum.datetime(2026, 11, 1)):
    EngageVoiceUpdateCampaignOperator(task_id="pause", campaign="Holliday Renewals 2025", is_active=0)
"""


class Studio:
    """A page in a browser, and the Airflow and the sandbox that it shows."""

    def __init__(
        self, page: Page, airflow: RealAirflow, sandbox: SandboxServer, runs: dict[str, str]
    ) -> None:
        self.page = page
        self.airflow = airflow
        self.sandbox = sandbox
        self.runs = runs

    def show(self, path: str, text: str) -> None:
        """Open a page of Airflow, and wait until it shows a text."""
        self.page.open(f"{self.airflow.url}/{path}")
        self.wait(text)
        # Until all is loaded, and animations have ended.
        time.sleep(4)

    def shows(self, text: str) -> bool:
        """Return whether the page shows a text."""
        return bool(self.page.evaluate(f"document.body.innerText.includes({json.dumps(text)})"))

    def wait(self, text: str) -> None:
        """Wait until the page shows a text."""
        self.airflow.wait_until(f"{text!r} on the page", lambda: self.shows(text) or None, 60)

    def click(self, found: str) -> None:
        """Click the element that a JavaScript expression finds, once it is there, as a mouse does."""
        shown = f"({found})?.scrollIntoView({{block: 'center'}})"
        at = f"({shown}, ({found})?.getBoundingClientRect().toJSON() ?? null)"
        box = self.airflow.wait_until(found, lambda: self.page.evaluate(at), 60)
        where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self.page.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **where)

    def scroll(self, text: str) -> None:
        """Scroll the label with a text to the top."""
        label = (
            f"[...document.querySelectorAll('label, button')].find(one => one.innerText.startsWith('{text}'))"
        )
        self.page.evaluate(f"({label}?.scrollIntoView({{block: 'start'}}), true)")


def form(studio: Studio) -> None:
    """The form of a connection."""
    studio.show("connections", "engagevoice_prod")
    studio.click('document.querySelector(\'[aria-label="Edit Connection"], [title="Edit Connection"]\')')
    studio.wait("Engage Voice host")
    for section in ("Standard Fields", "Extra Fields"):
        if not (section == "Extra Fields" and studio.shows("Client ID")):
            buttons = "[...document.querySelectorAll('button[aria-expanded], h3')]"
            studio.click(f"{buttons}.find(one => one.innerText.trim() === '{section}')")
            time.sleep(1)
    studio.scroll("Extra Fields")


def grid(studio: Studio) -> None:
    """The grid of a DAG."""
    studio.show(f"dags/{ROLLOUT}", "create_opened")


def log(studio: Studio) -> None:
    """The log of a task that failed."""
    run = studio.runs["pause_renewals"]
    studio.show(f"dags/pause_renewals/runs/{run}/tasks/pause", "Holliday Renewals 2025")


def assets(studio: Studio) -> None:
    """The list of assets."""
    studio.show("assets", "Engage Voice opened")


def sandbox(studio: Studio) -> None:
    """The sandbox's own page, before it begins to refresh itself."""
    studio.page.open(studio.sandbox.url)


PICTURES: dict[str, Callable[[Studio], None]] = {
    one.__name__: one for one in (form, grid, log, assets, sandbox)
}


def main() -> None:
    """Start everything, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PICTURES)
    only = parser.parse_args().only
    with tempfile.TemporaryDirectory() as name, SandboxServer() as server:
        folder = Path(name)
        mistake = folder / "pause_renewals.py"
        mistake.write_text(MISTAKE)
        (folder / "browser").mkdir()
        with (
            real_airflow(jwt_connection(server.url), [*EXAMPLES, mistake], more=PATIENT) as airflow,
            browser(folder / "browser") as chromium,
        ):
            runs = run_dags(airflow)
            FOLDER.mkdir(exist_ok=True)
            for one, show in PICTURES.items():
                if only not in (None, one):
                    continue
                with chromium.page() as page:
                    page.resize(*SIZE)
                    page.prefer("light")
                    page.hide_scrollbars()
                    show(Studio(page, airflow, server, runs))
                    page.screenshot(FOLDER / f"{one}.png", top=(SIZE[0], HEIGHTS.get(one, SIZE[1])))


def run_dags(airflow: RealAirflow) -> dict[str, str]:
    """Run a rollout and the DAG with the mistake, and add a connection; return the run ids."""
    opens = (datetime.now(UTC) + timedelta(seconds=45)).replace(microsecond=0)
    dates = {
        "campaign_start": opens.isoformat(),
        "campaign_end": (opens + timedelta(days=30)).isoformat(),
    }
    airflow.unpause("on_campaign_opened")
    runs = {ROLLOUT: airflow.trigger(ROLLOUT, dates), "pause_renewals": airflow.trigger("pause_renewals", {})}
    for dag_id, run_id in runs.items():
        airflow.follow(dag_id, run_id, print, 300)
    fields = json.loads(jwt_connection("https://platform.ringcentral.com"))
    fields = {
        "connection_id": "engagevoice_prod",
        "conn_type": "engagevoice",
        "extra": json.dumps(fields["extra"]),
    }
    airflow.post("connections", fields)
    return runs


if __name__ == "__main__":
    main()
