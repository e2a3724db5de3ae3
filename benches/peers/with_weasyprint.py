"""WeasyPrint, PDF/UA-1."""

import sys
from tempfile import NamedTemporaryFile

import weasyprint

import page
from answer import finish

body, out = sys.argv[1:]
with NamedTemporaryFile(suffix=".html") as html:
    page.write(body, html.name)
    weasyprint.HTML(filename=html.name).write_pdf(out, pdf_variant="pdf/ua-1")
finish(weasyprint.__version__)
