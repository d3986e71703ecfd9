"""The bundled pictures: there, small, readable, with their licences."""

from __future__ import annotations

from seviz.images import decode
from seviz.ui.samples import FOLDER, samples

KNOWN_TO_CIFAR10 = {"cat", "ship", "airplane", "car", "horse"}


def test_there_are_samples_of_what_the_bundled_networks_know():
    names = [sample.name for sample in samples()]
    assert len(names) == len(set(names)) >= 5
    assert set(names) >= KNOWN_TO_CIFAR10


def test_each_sample_is_a_small_jpeg_that_is_shown_without_a_notice():
    for sample in samples():
        content = sample.path.read_bytes()
        picture = decode(content)
        assert len(content) < 80_000
        assert picture.format == "JPEG"
        assert picture.notices == ()
        assert 256 <= max(picture.pixels.shape[:2]) <= 512


def test_every_picture_is_offered_and_has_its_licence():
    licences = (FOLDER / "LICENCES.md").read_text(encoding="utf-8")
    offered = {sample.path.name for sample in samples()}
    assert offered == {path.name for path in FOLDER.glob("*.jpg")}
    assert all(name in licences for name in offered)
    assert all(sample.title and sample.credit for sample in samples())
