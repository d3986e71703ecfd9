"""Networks of timm and torchvision by name, with the weights that their authors trained.

named.py           what a name stands for: architecture, weights, preprocessing, classes, licence, where the file is
of_timm.py         that, asked of timm
of_torchvision.py  and of torchvision
resolving.py       a name -> whom to ask
at_hand.py         the file on this computer: in the cache of the Hugging Face hub, in the folder of torch's hub
download.py        the file from the internet: its size first, then all of it or nothing
weights.py         the file -> the network, every tensor accounted for
importing.py       the network -> a checkpoint folder like any other
listing.py         what could be had, searched without either library
making.py          the command that writes the list
"""

from seviz.pretrained.at_hand import file_at_hand
from seviz.pretrained.download import Download, downloaded, partial_files, size_of
from seviz.pretrained.importing import fetch_network, find_imported, import_at_hand, import_file
from seviz.pretrained.listing import LIBRARIES, SUGGESTED, Listed, families, listed, search, versions_listed
from seviz.pretrained.named import Pretrained
from seviz.pretrained.resolving import is_named, resolve
from seviz.pretrained.weights import network_of

__all__ = [
    "LIBRARIES",
    "SUGGESTED",
    "Download",
    "Listed",
    "Pretrained",
    "downloaded",
    "families",
    "fetch_network",
    "file_at_hand",
    "find_imported",
    "import_at_hand",
    "import_file",
    "is_named",
    "listed",
    "network_of",
    "partial_files",
    "resolve",
    "search",
    "size_of",
    "versions_listed",
]
