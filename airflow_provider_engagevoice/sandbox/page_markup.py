"""The page's style sheet and shared HTML elements."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --back: #fff; --text: #1a1f26; --quiet: #57606a; --line: #d0d4da;
  --soft: #f3f5f7; --go: #116329; --bad: #a40e26; --warn: #6b4400; --warn-back: #fff3d6; }
@media (prefers-color-scheme: dark) {
  :root { --back: #14181d; --text: #e6e9ed; --quiet: #a3adb8; --line: #3b424b; --soft: #20262d;
    --go: #56cc78; --bad: #ff9492; --warn: #ffd58a; --warn-back: #3a2c0c; } }
* { box-sizing: border-box; }
body { font: 14px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums; max-width: 90rem;
  margin: 0 auto; padding: 1rem 1.5rem 3rem; background: var(--back); color: var(--text);
  overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .3rem 0 .8rem; }
h2 { font-size: 1.3rem; line-height: 1.2; margin: 2rem 0 .6rem; }
h3 { font-size: 1.05rem; margin: 1.4rem 0 .3rem; }
h2 .quiet, h3 .quiet { font-weight: 400; font-size: .85em; }
.quiet { color: var(--quiet); } .go { color: var(--go); } .bad { color: var(--bad); }
.state { font-weight: 600; } .state::before { content: "\\25CF  "; }
.notice { background: var(--warn-back); color: var(--warn); padding: .5rem .9rem; border-radius: .4rem;
  margin: 0 0 .8rem; }
.totals { display: flex; flex-wrap: wrap; gap: .6rem; margin: .6rem 0 1rem; }
.totals div { flex: 1 1 6.5rem; background: var(--soft); border-radius: .4rem; padding: .5rem .8rem; }
.totals dt { color: var(--quiet); overflow-wrap: normal; }
.totals dd { margin: 0; font-size: 1.35rem; font-weight: 600; }
.connection { display: flex; gap: .5rem; align-items: center; }
.connection label { flex: 1; display: flex; gap: .6rem; align-items: center; min-width: 0; }
.connection input { flex: 1; min-width: 0; font: .86rem ui-monospace, monospace; padding: .2rem .4rem;
  color: var(--text); background: var(--soft); border: 1px solid var(--line); border-radius: .3rem; }
.connection button { font: inherit; color: var(--text); background: var(--soft); padding: .1rem .8rem;
  border: 1px solid var(--line); border-radius: .3rem; cursor: pointer; }
.upcoming { list-style: none; margin: .3rem 0; padding: 0; } .upcoming li { padding: .15rem 0; }
table { border-collapse: collapse; width: 100%; margin: .3rem 0 1.2rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .9rem .4rem 0;
  border-bottom: 1px solid var(--line); }
tr > :last-child { padding-right: 0; }
thead th { color: var(--quiet); font-size: .86em; padding-top: .1rem; padding-bottom: .1rem;
  vertical-align: bottom; overflow-wrap: normal; }
th[scope=colgroup] { border-bottom: 0; }
th { font-weight: 600; } .number { text-align: right; } .number, .when { white-space: nowrap; }
time, .line { display: block; } time .quiet, .small { font-size: .86em; display: block; font-weight: 400; }
.campaigns { table-layout: fixed; } .campaigns th, .campaigns td { padding-right: .7rem; }
.name-column { width: 16.5%; } .status-column { width: 14%; } .window-column { width: 15.5%; }
.progress-column { width: 10%; } .few-column { width: 5%; } .untouched .number { color: var(--quiet); }
.window { font-size: .93em; } .limits td { white-space: nowrap; } code { font-size: .93em; }
progress { width: 6rem; height: .7rem; accent-color: var(--go); vertical-align: -.05em; }
:target > * { background: var(--soft); } :target { outline: 2px solid var(--go); }
@media (max-width: 74rem) {
  body { padding: .8rem 1rem 2rem; } .totals { gap: .4rem; }
  .totals div { flex-basis: 5.6rem; padding: .3rem .6rem; } .totals dd { font-size: 1.2rem; }
  table, tbody { display: block; } tr { display: grid; gap: .3rem .8rem; padding: .6rem 0;
    border-bottom: 1px solid var(--line); }
  th, td, .campaigns th, .campaigns td { border: 0; padding: 0; min-width: 0; }
  thead, colgroup { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .campaigns tr { grid-template-columns: repeat(4, 1fr); }
  .campaigns tbody th, .campaigns tbody td:not(.number) { grid-column: 1 / -1; }
  .campaigns tbody th .small, .status .line, .status .small { display: inline; margin-left: .4rem; }
  .window { display: grid; grid-template-columns: 1fr 1fr; column-gap: .4rem; }
  .window > .small { grid-column: 1 / -1; }
  .campaigns tbody [data-label]::before { content: attr(data-label); display: block; font-size: .86em;
    color: var(--quiet); }
  .campaigns .number { text-align: left; white-space: normal; } .untouched .number { display: none; }
  .requests tr { grid-template-columns: auto 1fr auto 4.5rem; }
  .requests .path { grid-column: 1 / -1; grid-row: 2; font-size: .93em; }
  .limits tr { grid-template-columns: 1fr auto; gap: 0 .8rem; }
  .limits .used { grid-area: 1 / 2; text-align: right; } .rejected::after { content: " rejected"; }
}
@media (max-width: 30rem) {
  .totals { display: grid; grid-template-columns: repeat(auto-fit, minmax(6rem, 1fr)); }
  .campaigns tr { column-gap: .4rem; } .limits td { white-space: normal; }
  .totals div { padding: .25rem .4rem; } .totals dt { font-size: .8em; } .totals dd { font-size: .95rem; }
  .connection label { display: block; } .connection input { width: 100%; }
}
"""


def table(name: str, head: str, rows: Iterable[str], label: str) -> str:
    """Return a table.

    :param name: CSS class
    :param head: HTML of its column groups and header
    :param label: accessible name
    """
    return f'<table class={name} aria-label="{escape(label)}">{head}<tbody>{"".join(rows)}</tbody></table>'


def table_head(*headings: str) -> str:
    """Return a table header of one row; headings that start with ``#`` are of numeric columns."""
    cells = (
        f"<th scope=col{' class=number' * heading.startswith('#')}>{escape(heading.lstrip('#'))}</th>"
        for heading in headings
    )
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def name_html(text: str) -> str:
    """Return a user-defined name, isolated so that right-to-left text does not reorder its surroundings."""
    return f"<bdi>{escape(text)}</bdi>"


def progress(value: int, maximum: int, label: str) -> str:
    """Return a progress bar."""
    return f'<progress max={max(1, maximum)} value={value} aria-label="{escape(label)}"></progress>'
