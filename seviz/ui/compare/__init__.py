"""Compare: two networks side by side. A file a view, and what they share.

views.py      which view is looked at
pairs.py      the two networks' stored predictions, brought together
test_set.py   accuracy, classes, calibration: what can be told of the two
over_seeds.py the two over several trainings each
stages.py     how alike their stages are
mistakes.py   cells of a matrix and the samples behind them
sample.py     samples by picture or name, and one of them
why.py        one sample's gates between two classes
picture.py    two or three networks on one picture
pinned.py     two pictures in one network
gate_table.py the numbers behind a difference of gates
cost.py       parameters, multiply-adds, time
"""
