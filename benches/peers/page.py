"""The answer as an HTML page, for the peers that are browsers at heart."""

from html import escape

from answer import FONTS, FOOTER, SUBJECT, TITLE, parts


def faces():
    for family in ("Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew"):
        for weight, file in (("normal", "Regular"), ("bold", "Bold")):
            path = FONTS / f"{family.replace(' ', '')}-{file}.ttf"
            yield f"@font-face {{ font-family: '{family}'; font-weight: {weight}; src: url('{path.as_uri()}') }}"


STYLE = f"""
@page {{
    size: A4; margin: 92pt 54pt 70pt;
    @top-right {{ content: '{SUBJECT[0]}\\A {SUBJECT[1]}'; white-space: pre; font: 8.5pt/12pt 'Noto Sans' }}
    @bottom-left {{ content: '{FOOTER}'; font: 8.5pt/12pt 'Noto Sans' }}
    @bottom-right {{ content: 'Page ' counter(page); font: 8.5pt/12pt 'Noto Sans' }}
}}
body {{ margin: 0; font: 10.5pt/15pt 'Noto Sans', 'Noto Sans Arabic', 'Noto Sans Hebrew' }}
h1, h2, h3, h4 {{ break-after: avoid; margin: 12pt 0 4pt }}
h1 {{ font-size: 22pt; line-height: 29pt }}
h2 {{ font-size: 16pt; line-height: 22pt }}
h3 {{ font-size: 13pt; line-height: 18pt }}
h4 {{ font-size: 11.5pt; line-height: 16pt }}
table {{ width: 100%; border-collapse: collapse }}
td, th {{ text-align: start; vertical-align: top; padding: 4.5pt 12pt 4.5pt 0; border-bottom: .6pt solid #b1b4b6 }}
.rows {{ table-layout: fixed }}
.rows th {{ width: 30% }}
.list {{ font-size: 9.5pt; line-height: 13pt }}
"""


def write(body, path):
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"<!DOCTYPE html><html lang='en-GB'><meta charset='utf-8'><title>{TITLE}</title>")
        out.write(f"<style>{''.join(faces())}{STYLE}</style>")
        for kind, *part in parts(body):
            if kind == "heading":
                level, text = part
                out.write(f"<h{level}>{escape(text)}</h{level}>\n")
            elif kind == "rows":
                out.write("<table class='rows'>")
                for name, value in part[0]:
                    out.write(f"<tr><th scope='row'>{escape(name)}</th><td dir='auto'>{escape(value)}</td></tr>\n")
                out.write("</table>")
            else:
                names, rows = part
                out.write("<table class='list'><thead><tr>")
                out.writelines(f"<th scope='col'>{escape(name)}</th>" for name in names)
                out.write("</tr></thead><tbody>")
                for row in rows:
                    out.write("<tr>")
                    out.writelines(f"<td dir='auto'>{escape(cell)}</td>" for cell in row)
                    out.write("</tr>\n")
                out.write("</tbody></table>")
