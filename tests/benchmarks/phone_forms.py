"""How each written form of a phone number is read, for libphonenumber's example numbers of each country.

A cell is right if it is read as its number, refused if the row would be rejected, and wrong if another number
comes out. Of two numbers in a cell, and of a date, any number is wrong. ``--countries`` prints a row for
each country; the default is a row for each form, over all countries. ``--random 10 --seed 1`` takes ten
random valid numbers of each country instead of the examples.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from random import Random

from airflow_provider_engagevoice.leads.phones import Phones
from airflow_provider_engagevoice.models.phone import COUNTRIES
from tests.support.written_numbers import FORMS, cells, random_number, read

_MARKS = {"right": "✓", "refused": "-", "wrong": "WRONG"}


def main() -> int:
    """Print the table in Markdown; return 1 if a cell is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.phone_forms", description=__doc__)
    parser.add_argument("--countries", action="store_true", help="a row for each country")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="random numbers of each country")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random = Random(options.seed)
    results: dict[str, dict[str, Counter[str]]] = {form: {} for form in FORMS}
    for country in sorted(COUNTRIES):
        # Special numbers are refused by default; how they are read matters for opt-outs.
        phones = Phones(country, special=True)
        for cell in cells(country, [random_number(country, random) for _ in range(options.random)]):
            result = read(phones, cell)
            results[cell.form].setdefault(country, Counter())[result] += 1
            if result == "wrong":
                print(f"WRONG: {country} {cell}", file=sys.stderr)
    totals = {form: sum(of_country.values(), Counter()) for form, of_country in results.items()}
    wrong = sum(total["wrong"] for total in totals.values())
    if options.countries:
        print("| country |", " | ".join(FORMS), "|")
        print("|---|", "---|" * len(FORMS), sep="")
        for country in sorted(COUNTRIES):
            print(f"| {country} |", " | ".join(_share(results[form][country]) for form in FORMS), "|")
    else:
        print("| form | right | refused | wrong |")
        print("|---|---:|---:|---:|")
        for form, total in totals.items():
            print(f"| {form} | {total['right']:,} | {total['refused']:,} | {total['wrong']:,} |")
    print(f"\n{len(COUNTRIES)} countries, {sum(map(Counter.total, totals.values())):,} cells, {wrong} wrong")
    return 1 if wrong else 0


def _share(results: Counter[str]) -> str:
    """Return a mark if all cells have the same result, otherwise how many of them are right."""
    if len(results) == 1:
        return _MARKS[next(iter(results))]
    if results["wrong"]:
        return _MARKS["wrong"]
    return f"{results['right']}/{results.total()}"


if __name__ == "__main__":
    sys.exit(main())
