"""Streamlit: what the pages share.

    frame.py        the navigation, the head of a page, errors as sentences
    address.py      widgets whose choice stands in the address
    choice.py       the sidebar: which network, and which one beside it
    caches.py       models, answers and what is stored of networks, kept between runs of a script
    drawn.py        figures that most changes leave as they are, kept between runs
    pictures.py     where the picture comes from: upload, paste, camera or a sample
    samples.py      the bundled photographs
    show.py         a figure with its table and its downloads
    maps.py         Inspect: pictures, predictions and maps side by side
    gates.py        Inspect: the gates, site by site and channel by channel
    usual.py        what is usual for a class, and whether a picture is
    excitation/     Excitation: a file a view
    compare/        Compare: a file a view
    lab/            Gate lab: edits of gates and what they change
    ablation/       Ablation: a file a view
    components/     what a hand does and no widget can: HTML, CSS and JavaScript
    plain.py        what pages about gates say of a network without any
    evaluations.py  stored predictions and what they were measured on
    thumbnails.py   pictures behind sample ids, when the data are at hand
    mistakes.py     Accuracy: the most confident mistakes
    jobs.py         long jobs of a page: started, watched, cancelled, found again after a reload
    report.py       Compare, Models: everything as one HTML file
    network_card.py Models: a network's card, whole for the chosen ones, short for the others
    cards.py        Models: the twins, the SE block
"""
