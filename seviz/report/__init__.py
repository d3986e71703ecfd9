"""Everything that is known of a network, or of two, as one HTML file that needs nothing else.

    report = make_report(open_checkpoint("se_resnet20"), open_checkpoint("resnet20"))
    report.sections                 "Accuracy / By class", ...
    to_html(report)                 the file's text

    document.py     what a report is made of: words, figures, tables
    sources.py      what is stored for a network; measured.py: what is worked out from it first
    summary.py, networks.py, accuracy.py, compare.py, training.py, provenance.py      a part each
    excitation.py   the part on gates: depth.py, classes.py, paper.py, health.py, space.py, why.py
    faithfulness.py the part on maps; pruning.py: the part on dropped channels
    html.py         the file, with page.css and page.js
"""

from seviz.report.document import Report
from seviz.report.html import to_html
from seviz.report.make import make_report

__all__ = ["Report", "make_report", "to_html"]
