"""Image sets: the right images, drawn alike, and clear words when they are not there."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.errors import DataError
from pipeline.evaluate.images import DEBIAN_FASHION_MNIST, FASHION_MNIST, draw, load_images


def test_digits_are_three_channels_of_the_size_asked_for():
    images = load_images("digits", 28, train_images=200, seed=0, test_images=100)
    assert images.train_x.shape == (200, 3, 28, 28)
    assert images.test_x.shape == (100, 3, 28, 28)
    assert images.train_x.dtype == torch.float32
    assert images.classes == 10
    assert abs(float(images.train_x.mean())) < 1e-3
    assert abs(float(images.train_x.std()) - 1) < 1e-3


def test_train_and_test_digits_are_disjoint_and_complete():
    images = load_images("digits", 8)
    assert len(images.train_y) + len(images.test_y) == 1797
    train = {row.numpy().tobytes() for row in images.train_x}
    assert not any(row.numpy().tobytes() in train for row in images.test_x)


def test_a_subset_holds_all_classes_alike_and_follows_the_seed():
    first, again, other = (load_images("digits", 8, 100, seed) for seed in (0, 0, 1))
    assert torch.bincount(first.train_y).tolist() == [10] * 10
    assert torch.equal(first.train_x, again.train_x)
    assert not torch.equal(first.train_x, other.train_x)


def test_any_first_images_drawn_hold_all_classes_alike():
    labels = np.repeat([0, 1, 2], [50, 20, 30])
    drawn = draw(labels, None, 3, "labels")
    assert sorted(drawn) == list(range(100))
    assert np.bincount(labels[drawn[:30]]).tolist() == [10, 10, 10]


def test_more_images_than_there_are():
    with pytest.raises(DataError, match="5000 images asked for, there are 1437"):
        load_images("digits", 8, train_images=5000)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(DataError, match="digits, fashion_mnist, cifar10"):
        load_images("mnist", 28)


def test_missing_images_say_how_to_get_them(tmp_path: Path):
    with pytest.raises(DataError, match="apt-get install dataset-fashion-mnist"):
        load_images("fashion_mnist", 28, path=tmp_path)


@pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(b"\0\0\x08\x01 other")])
def test_damaged_images_are_named(tmp_path: Path, content: bytes):
    for name in FASHION_MNIST:
        (tmp_path / f"{name}.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: damaged"):
        load_images("fashion_mnist", 28, path=tmp_path)


@pytest.mark.skipif(
    not DEBIAN_FASHION_MNIST.is_dir(), reason="dataset-fashion-mnist is absent"
)
def test_fashion_mnist_where_the_package_puts_it():
    images = load_images("fashion_mnist", 28, train_images=2000, seed=0)
    assert torch.bincount(images.train_y).tolist() == [200] * 10
    assert torch.bincount(images.test_y).tolist() == [1000] * 10
    assert torch.bincount(images.test_y[:1000]).tolist() == [100] * 10
