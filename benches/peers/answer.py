"""What every peer in Python shares: the answer in reading order, and the last words."""

import json
import re
from datetime import datetime
from pathlib import Path

FONTS = Path(__file__).resolve().parents[2] / "crates/dossier-report/fonts"
SUBJECT = ("SMITH, Jane", "NOMIS ID: A1234AA")
TITLE = "Case management"
FOOTER = "Official Sensitive"

# A longer text is a row's, not a cell's.
CELL_CHARS_MAX = 240
DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?")


def label(name):
    """`dateOfBirth` as `Date of birth`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    return words[:1].upper() + words[1:]


def shown(value):
    """A value as readers see it."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, str) and DATE.fullmatch(value):
        moment = datetime.fromisoformat(value)
        day = moment.strftime("%d %B %Y")
        if "T" not in value:
            return day
        return f"{day}, {moment.hour % 12 or 12}:{moment:%M:%S} {'am' if moment.hour < 12 else 'pm'}"
    return str(value)


def parts(path):
    """The answer as headings, name/value rows and tables:

    `("heading", level, text)`, `("rows", [(name, value), …])`, `("table", [name, …], [row, …])`.
    """
    with open(path, encoding="utf-8") as file:
        content = json.load(file)["content"]
    yield "heading", 1, TITLE
    for number, record in enumerate(content, 1):
        yield "heading", 2, f"Item {number}"
        yield from members(record, 3)


def members(record, level):
    rows = [(label(n), shown(v)) for n, v in record.items() if not isinstance(v, (dict, list))]
    yield "rows", rows
    for name, value in record.items():
        if isinstance(value, dict):
            yield "heading", level, label(name)
            yield from members(value, level + 1)
        elif isinstance(value, list):
            yield "heading", level, label(name)
            yield from elements(value, label(name), level + 1)


def elements(values, name, level):
    if all(len(text) <= CELL_CHARS_MAX for v in values for text in v.values() if isinstance(text, str)):
        yield "table", [label(n) for n in values[0]], [[shown(v) for v in row.values()] for row in values]
        return
    for number, value in enumerate(values, 1):
        yield "heading", level, f"{name} {number}"
        yield from members(value, level + 1)


def finish(version):
    """Says what `dossier bench report` wants to know."""
    with open("/proc/self/status", encoding="ascii") as status:
        kilobytes = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(json.dumps({"version": version, "peakBytes": kilobytes * 1024}))
