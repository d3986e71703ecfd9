"""PCA against scikit-learn's and by hand; t-SNE on clouds that it has to keep apart."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA

from seviz.analysis.projection import pca, tsne


@pytest.mark.parametrize("shape", [(60, 9), (7, 30), (5, 2)])
def test_pca_is_that_of_scikit_learn_up_to_signs(shape):
    values = np.random.default_rng(0).random(shape) * np.arange(1, shape[1] + 1)
    coordinates, explained = pca(values)
    reference = PCA(2)
    expected = reference.fit_transform(values)
    assert (coordinates.dtype, coordinates.shape) == (np.float32, (shape[0], 2))
    assert_allclose(np.abs(coordinates), np.abs(expected), atol=1e-5)
    assert_allclose(explained, reference.explained_variance_ratio_)


def test_pca_by_hand():
    """Points on a cross: 4 apart along (3, 4) / 5, and 2 apart across it. Variances 8 and 2; 4 / 5 is the strongest channel."""
    along, across = np.array([0.6, 0.8]), np.array([0.8, -0.6])
    coordinates, explained = pca([3 + 2 * along, 3 - 2 * along, 3 + across, 3 - across])
    assert_allclose(coordinates, [[2, 0], [-2, 0], [0, 1], [0, -1]], atol=1e-6)
    assert_allclose(explained, [0.8, 0.2])


def test_the_strongest_channel_of_each_axis_opens_along_it():
    values = np.random.default_rng(1).random((50, 6))
    for rows in (values, 1 - values):
        centred, coordinates = rows - rows.mean(0), pca(rows)[0]
        loadings = centred.T @ coordinates
        for axis in loadings.T:
            assert axis[np.abs(axis).argmax()] > 0
    assert_array_equal(pca(values)[0], pca(values)[0])


def test_what_is_not_there_is_zero():
    line = np.array([[0.2], [0.4], [0.9]])
    coordinates, explained = pca(line)
    assert_allclose(coordinates, [[-0.3, 0], [-0.1, 0], [0.4, 0]], atol=1e-7)
    assert explained.tolist() == [1, 0]
    for still in (np.full((5, 3), 0.5), np.zeros((1, 4)), np.zeros((0, 4))):
        coordinates, explained = pca(still)
        assert_array_equal(coordinates, np.zeros((len(still), 2)))
        assert_array_equal(explained, [0, 0])
        assert_array_equal(tsne(still), np.zeros((len(still), 2)))


def test_halves_are_projected_like_the_numbers_they_are():
    values = np.random.default_rng(2).random((40, 5)).astype(np.float16)
    assert_array_equal(pca(values)[0], pca(values.astype(np.float64))[0])


def test_neighbours_stay_together():
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 20)
    values = 0.5 + 0.3 * np.eye(3, 8)[labels] + 0.02 * generator.standard_normal((60, 8))
    points = tsne(values)
    assert (points.dtype, points.shape) == (np.float32, (60, 2))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert_array_equal(labels[distances.argmin(1)], labels)
    assert_array_equal(points, tsne(values))


@pytest.mark.parametrize(("samples", "channels"), [(3, 5), (4, 5), (10, 1)])
def test_few_samples_and_channels(samples, channels):
    points = tsne(np.random.default_rng(0).random((samples, channels)))
    assert points.shape == (samples, 2) and np.isfinite(points).all()
    assert points.any() == (samples >= 4)


@pytest.mark.parametrize("values", [np.zeros(3), [[np.nan, 1.0], [0.5, 0.2]]])
def test_what_cannot_be_projected_is_refused(values):
    with pytest.raises(ValueError, match="finite and"):
        pca(values)
