"""Inspect: a picture, what two networks make of it, and every gate on the way."""

from seviz.ui import caches, choice, frame, gates, maps, pictures, show

frame.begin(
    "Inspect",
    "Drop a photograph and see what a trained network makes of it: what it predicts, where it finds the evidence, and "
    "which channels each of its gates opens. Another one can stand beside it, such as its plain twin without gates.",
)
with frame.telling():
    chosen_networks = choice.choose(first=choice.PHOTOS)
    chosen_picture = pictures.choose()
    maps.panel(chosen_networks, chosen_picture)
    gates.panel(chosen_networks, chosen_picture)
    answers = [caches.inspection(network, chosen_picture.picture) for network in chosen_networks.both]
    show.provenance(*(answer.provenance for answer in answers))
