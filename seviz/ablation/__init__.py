"""What gates are worth on a whole data set: accuracy when a site, a stage or all of them become something else.

    found = ablate(net, data, preprocessing, path, Setting(...))
    found.effect("s3", "mean").difference, found.findings

    plan.py      which edits are measured
    sharing.py   the logits of many edits of a batch, what they share computed once
    passes.py    one pass over a data set with all edits
    curves.py    channels dropped one after the other, in four orders
    channels.py  every channel dropped alone
    state.py     the file from which a killed pass goes on
    record.py    ablation.json
    job.py       ablate: the whole of it
"""

from seviz.ablation.job import Setting, ablate
from seviz.ablation.record import ABLATION_FILE, Ablation, ablate_command, load_ablation, save_ablation

__all__ = ["ABLATION_FILE", "Ablation", "Setting", "ablate", "ablate_command", "load_ablation", "save_ablation"]
