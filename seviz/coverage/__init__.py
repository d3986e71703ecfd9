"""How much of timm seviz.gates covers: every pretrained architecture, looked at one at a time, and the page that says it.

survey_timm(state, Limits())
write_page(path, known_of_timm(state), limits=Limits(), command="...")

networks.py   the architectures, built for a look: random weights, small pictures
look.py       one architecture in a child process with limits
survey.py     all of them, resumed from a state file
page.py       docs/coverage.md
"""

from seviz.coverage.page import write_page
from seviz.coverage.survey import Limits, known_of_timm, survey_timm

__all__ = ["Limits", "known_of_timm", "survey_timm", "write_page"]
