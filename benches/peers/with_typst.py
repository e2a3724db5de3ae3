"""Typst, tagged as it does by default."""

import sys
from importlib.metadata import version
from pathlib import Path

import typst

from answer import FONTS, finish

body, out = sys.argv[1:]
typst.compile(
    Path(__file__).with_name("report.typ"),
    output=out,
    root="/",
    font_paths=[FONTS],
    ignore_system_fonts=True,
    sys_inputs={"body": str(Path(body).resolve())},
)
finish(version("typst"))
