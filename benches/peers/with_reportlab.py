"""ReportLab's own layout engine, Platypus. It cannot tag."""

import re
import sys
from html import escape

import reportlab
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import CondPageBreak, LongTable, Paragraph, SimpleDocTemplate

from answer import FONTS, FOOTER, SUBJECT, TITLE, finish, parts

WIDTH = A4[0] - 108
RULE = ("LINEBELOW", (0, 0), (-1, -1), 0.6, HexColor("#b1b4b6"))
PADDING = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 12),
    ("TOPPADDING", (0, 0), (-1, -1), 4.5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 4.5),
]
# No fallback of its own: runs of these scripts are put in their font by us.
SCRIPTS = [
    (re.compile(r"[\u0590-\u05ff][\u0590-\u05ff\s.]*"), "NotoSansHebrew"),
    (re.compile(r"[\u0600-\u06ff][\u0600-\u06ff\s.]*"), "NotoSansArabic"),
]


def style(size, leading, bold=False, **more):
    return ParagraphStyle(
        "", fontName=f"NotoSans-{'Bold' if bold else 'Regular'}", fontSize=size, leading=leading, **more
    )


BODY, NAME = style(10.5, 15), style(10.5, 15, True)
RIGHT_TO_LEFT = style(10.5, 15, alignment=TA_RIGHT, wordWrap="RTL")
CELL, CELL_HEADER = style(9.5, 13), style(9.5, 13, True)
HEADINGS = {
    level: style(size, leading, True, spaceBefore=12, spaceAfter=4)
    for level, size, leading in ((1, 22, 29), (2, 16, 22), (3, 13, 18), (4, 11.5, 16))
}


def paragraph(text, style):
    markup = escape(text, quote=False)
    for pattern, font in SCRIPTS:
        if pattern.search(markup):
            markup = pattern.sub(rf'<font name="{font}-Regular">\g<0></font>', markup)
            style = RIGHT_TO_LEFT
    return Paragraph(markup, style)


def widths(names, rows):
    """By the longest text of each column."""
    longest = [max(map(len, column)) for column in zip(names, *rows)]
    return [WIDTH * chars / sum(longest) for chars in longest]


def story(body):
    for kind, *part in parts(body):
        if kind == "heading":
            level, text = part
            yield CondPageBreak(80)
            yield Paragraph(escape(text, quote=False), HEADINGS[level])
        elif kind == "rows":
            rows = [[paragraph(name, NAME), paragraph(value, BODY)] for name, value in part[0]]
            yield LongTable(rows, [WIDTH * 0.3, WIDTH * 0.7], style=[RULE, *PADDING], splitInRow=1)
        else:
            names, rows = part
            cells = [[paragraph(name, CELL_HEADER) for name in names]]
            cells += [[paragraph(cell, CELL) for cell in row] for row in rows]
            yield LongTable(cells, widths(names, rows), style=[RULE, *PADDING], repeatRows=1)


def furniture(canvas, document):
    canvas.setFont("NotoSans-Regular", 8.5)
    for line, text in enumerate(SUBJECT):
        canvas.drawRightString(A4[0] - 54, A4[1] - 43 - 12 * line, text)
    canvas.drawString(54, 37, FOOTER)
    canvas.drawRightString(A4[0] - 54, 37, f"Page {document.page}")


body, out = sys.argv[1:]
for family in ("NotoSans", "NotoSansArabic", "NotoSansHebrew"):
    for weight in ("Regular", "Bold"):
        name = f"{family}-{weight}"
        pdfmetrics.registerFont(TTFont(name, FONTS / f"{name}.ttf"))
# A frame has 6 points of padding of its own.
document = SimpleDocTemplate(
    out, pagesize=A4, leftMargin=48, rightMargin=48, topMargin=86, bottomMargin=64,
    title=TITLE, lang="en-GB", pageCompression=1,
)
document.build(list(story(body)), onFirstPage=furniture, onLaterPages=furniture)
finish(reportlab.__version__)
