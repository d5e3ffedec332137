"""How many different pictures there are among photographs: copies and near-copies count once."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

SIDE = 8
"""Blocks to a side whose mean colours are compared."""
ALIKE = 4.0
"""Root mean square difference of the block means, of 255, up to which two pictures are near-copies.
Re-encoding moves a picture by less than 2; neighbours in a burst of photographs by about 4."""
ALIKE_SHARE = 0.15
"""The same, over the deviation of the less varied picture's own block means: small objects on one
grey differ by less than 4, and are others. Re-encoding comes to 0.11, crops by 1 px of 64 to 0.14,
the nearest of 700 chairs and mugs to 0.31."""
COLUMNS = 12
"""Principal components that neighbours are looked for in: distances there are never larger."""
NEIGHBOURS = 4


def picture_groups(images: NDArray[np.uint8]) -> NDArray[np.int64]:  # [N, R, R, 3] -> [N]
    """The number of the group of near-copies that each picture belongs to, from 0 without gaps."""
    count, side = len(images), images.shape[1]
    inside = side // SIDE
    blocks = [
        part.reshape(-1, SIDE, inside, SIDE, inside, 3).mean(axis=(2, 4), dtype=np.float32)
        for part in np.array_split(images, max(count // 1024, 1))
    ]
    means = np.concatenate(blocks).reshape(count, -1)
    # Equal ones first: a thousand copies would be each other's only neighbours.
    _, first, exact = np.unique(means, axis=0, return_index=True, return_inverse=True)
    return _near(means[first])[exact.ravel()]


def _near(means: NDArray[np.float32]) -> NDArray[np.int64]:  # [K, D] -> [K]
    count = len(means)
    if count < 2:
        return np.zeros(count, np.int64)
    centred = means - means.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    few = centred @ vectors[:, np.argsort(values)[-COLUMNS:]]
    most = ALIKE * np.sqrt(means.shape[1])
    neighbours = min(NEIGHBOURS + 1, count)
    _, others = KDTree(few).query(few, k=neighbours, distance_upper_bound=most)
    pairs = np.stack([np.repeat(np.arange(count), neighbours), others.ravel()])
    pairs = pairs[:, pairs[1] < count]  # beyond the bound it gives `count`
    apart = np.linalg.norm(means[pairs[0]] - means[pairs[1]], axis=1)
    varied = np.linalg.norm(means - means.mean(axis=1, keepdims=True), axis=1)[pairs].min(axis=0)
    pairs = pairs[:, (apart <= most) & (apart <= ALIKE_SHARE * varied)]
    graph = coo_matrix((np.ones(pairs.shape[1]), pairs), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)
