"""Ablation: what gates are worth on a whole data set. A file a view; views.py lists them.

stored.py    what is known of a network's edits, and what the page says where nothing is
controls.py  choices that views share: scope, edit, block
costs.py     what each edit costs, over all classes and class by class
curves.py    channels dropped one after the other, in four orders
channels.py  each channel dropped alone, against its gate and its selectivity
pruning.py   channels dropped for good, and what is left of accuracy and cost
pruned.py    a pruned network kept as a checkpoint
"""
