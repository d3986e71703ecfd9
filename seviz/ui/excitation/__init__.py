"""Excitation: the gates of a network over a whole data set. A file a view.

stored.py    what is known of a network's gates, and what the page says where nothing is
controls.py  choices that views share: site, classes, channel
classes.py   classes by channels, and one channel of them
channel.py   one channel: its classes, its pictures, its effect
paper.py     figures 6 and 7 of the SE paper
depth.py     where the network becomes class-specific
health.py    what is wrong with the gates of a site
relation.py  squeeze against gate
samples.py   pictures in the plane of their gates
"""
