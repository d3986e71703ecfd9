"""What the page Training shows beside its curves.

    over_epochs.py   gates over the epochs of a training, played
"""
