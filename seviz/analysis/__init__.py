"""Statistics: numpy in, numpy out. No torch, no colours.

    classification.py   what a network got right on a data set: accuracy, per class, confusion, calibration
    curves.py           training curves: smoothing, generalisation gap
    gates.py            one picture's gates: order, extremes, summary, deviation from a mean
    paper.py            what the Squeeze-and-Excitation paper reports
"""
