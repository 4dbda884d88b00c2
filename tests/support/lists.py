"""Lists in the forms that the example ``lead_lists`` reads."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pyarrow
import pyarrow.parquet

#: Of the partners, half are for each campaign; one has opted out, and one has no number.
PARTNERS = 60
#: Leads of each state.
REGIONS = {"CA": 40, "NV": 20}


def write_lists(folder: Path) -> None:
    """Write the do-not-call file, the workbook and the folder."""
    (folder / "do_not_call.txt").write_text(f"{_phone(7, ',')}\r\n212,5550199\r\n")
    workbook = openpyxl.Workbook()
    workbook.active.append(["Campaign", "Customer", "Mobile"])
    for number in range(PARTNERS):
        mobile = "unknown" if number == PARTNERS - 1 else int(_phone(number))
        workbook.active.append([("Partners East", "Partners West")[number % 2], f"X-{number}", mobile])
    workbook.save(folder / "partners.xlsx")
    first = PARTNERS
    for state, count in REGIONS.items():
        part = folder / "regions" / f"state={state}"
        part.mkdir(parents=True)
        numbers = range(first, first + count)
        columns = {"id": [f"R-{number}" for number in numbers], "phone": [_phone(one) for one in numbers]}
        pyarrow.parquet.write_table(pyarrow.table(columns), part / "part-0.parquet")
        (folder / "regions" / "_SUCCESS").touch()
        first += count


def _phone(number: int, separator: str = "") -> str:
    return f"415{separator}{2_300_000 + number}"
