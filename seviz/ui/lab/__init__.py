"""Gate lab: edits of gates, and what they change.

    state.py        the edits in force, in the session and in the address
    means.py        mean gates that edits may ask for, and what can be swapped in
    workbench.py    the panel: chips, map, controls, before and after
    gate_map.py     the map's data, and what its messages do
    controls.py     the same edits with lists and numbers
    answers.py      probabilities, scores and maps before and after
    flipping.py     Flip it: few changes that turn the prediction
    swapping.py     Swap: another picture's gates, block by block
    arithmetic.py   one block in numbers
    views.py        which of the last three is looked at
"""
