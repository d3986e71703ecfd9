"""Figures: numpy in, Plotly out, or uint8 pictures, or SVG text. Every colour and scale decision; no statistics.

    colours.py    colour maps and the colours of things
    layout.py     what all figures have in common: heights, margins, legends, alt texts
    alone.py      Plotly itself, figures as JSON and themes, for a file without the app
    cells.py      heat maps for a page: quantised colours, unseen points
    maps.py       evidence over a picture, its colour bar, feature maps
    gates.py      gates of all sites, of one site, squeeze against gate
    excitation.py    gates over a data set: classes by channels, one channel
    as_in_paper.py   mean gates by class with bands, as in the SE paper
    depth.py         how class-specific every site is, distances of classes
    health.py        a row a site, what is wrong with its gates
    gate_space.py    samples in the plane of their gates, squeeze against gate
    lab.py        edited gates: before and after, the path to another class, swaps
    ablation.py      what edits cost, over all and class by class
    importance.py    deletion and insertion of channels, and each channel beside its gate
    intervals.py     several series of figures with intervals, a row a thing
    predictions.py   probabilities
    training.py   curves and gap
    accuracy.py   accuracy with intervals, per class, confusion, reliability
    comparison.py two networks: differences, agreement, calibration, stages
    mistaken.py   confusion cells to click, one sample's gates between two classes
    costs.py      accuracy against cost, latencies
    pruning.py    accuracy of pruned networks against their cost
    networks.py   the stages of a network, the paper's comparison
    block.py      the SE block in a residual unit, drawn

Every Plotly figure carries in words what it shows: layout.alt(figure). No figure sets the colour of its text or its
background, so that the page's theme can.
"""
