"""Image sets as tensors: what networks are retrained on."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from pipeline.errors import DataError

DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
# sha256 of the uncompressed idx files: compressed copies differ from packager to packager
FASHION_MNIST = {
    TRAIN_IMAGES: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    TRAIN_LABELS: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    TEST_IMAGES: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    TEST_LABELS: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
HOW_TO_GET_FASHION_MNIST = (
    "install the Debian package (apt-get install dataset-fashion-mnist), "
    "give data_path, a folder with the four idx files, or run where there is a network"
)


@dataclass(frozen=True)
class ImageSet:
    """Images as float32 (n, 3, size, size), normalised by the training images; labels int64.

    The test images are ordered so that any first k of them hold all classes alike.
    """

    name: str
    train_x: torch.Tensor
    train_y: torch.Tensor
    test_x: torch.Tensor
    test_y: torch.Tensor
    classes: int
    mirrored: bool  # whether an image's mirror image is as good as itself


@dataclass(frozen=True)
class RawImages:
    """An image set as it comes: uint8 (n, channels, height, width), labels, train and test."""

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


def load_images(
    name: str,
    size: int,
    train_images: int | None = None,
    seed: int = 0,
    test_images: int | None = None,
    path: Path | None = None,
) -> ImageSet:
    """The image set ``name``, resized to ``size`` pixels; grey becomes three channels.

    ``train_images`` and ``test_images`` (None: all) are drawn by ``seed``, as many of each
    class as there are. Raises DataError for an unknown name, for more images than there are,
    and for files that are missing (saying how to get them) or damaged.
    """
    if name not in READERS:
        raise DataError(f"unknown image set {name!r}; known are: {', '.join(READERS)}")
    raw = READERS[name](path)
    train = draw(raw.train_y, train_images, seed, f"{name}, train")
    test = draw(raw.test_y, test_images, seed, f"{name}, test")
    train_x, test_x = resize(raw.train_x[train], size), resize(raw.test_x[test], size)
    mean = train_x.mean(dim=(0, 2, 3), keepdim=True)
    std = train_x.std(dim=(0, 2, 3), keepdim=True)
    return ImageSet(
        name=name,
        train_x=((train_x - mean) / std).expand(-1, 3, -1, -1),
        train_y=torch.from_numpy(raw.train_y[train].astype(np.int64)),
        test_x=((test_x - mean) / std).expand(-1, 3, -1, -1),
        test_y=torch.from_numpy(raw.test_y[test].astype(np.int64)),
        classes=int(raw.train_y.max()) + 1,
        mirrored=name != "digits",
    )


def draw(labels: np.ndarray, count: int | None, seed: int, what: str) -> np.ndarray:
    """Indices of ``count`` images, classes in turn, within a class in an order by ``seed``."""
    count = len(labels) if count is None else count
    if count > len(labels):
        raise DataError(f"{what}: {count} images asked for, there are {len(labels)}")
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    turn = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = labels[shuffled] == label
        turn[members] = np.arange(members.sum())
    return shuffled[np.argsort(turn, kind="stable")[:count]]


def resize(images: np.ndarray, size: int) -> torch.Tensor:
    """uint8 (n, c, h, w) -> float32 (n, c, size, size) in [0, 1], bilinear."""
    pixels = torch.from_numpy(images).float() / 255.0
    if pixels.shape[-2:] == (size, size):
        return pixels
    return functional.interpolate(pixels, size=(size, size), mode="bilinear", antialias=True)


def read_digits(path: Path | None) -> RawImages:
    """scikit-learn's 1,797 digits of 8x8 pixels; every fifth of a fixed order is for test."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)[:, None]
    test = np.zeros(len(pixels), dtype=bool)
    test[draw(digits.target, len(pixels), 0, "digits")[::5]] = True
    return RawImages(pixels[~test], digits.target[~test], pixels[test], digits.target[test])


def read_fashion_mnist(path: Path | None) -> RawImages:
    """60,000 + 10,000 pictures of clothes, 28x28 (https://arxiv.org/abs/1708.07747)."""
    folder = path or _find_fashion_mnist()
    arrays = {name: _read_idx(folder, name) for name in FASHION_MNIST}
    return RawImages(
        arrays[TRAIN_IMAGES][:, None],
        arrays[TRAIN_LABELS],
        arrays[TEST_IMAGES][:, None],
        arrays[TEST_LABELS],
    )


def _find_fashion_mnist() -> Path:
    if DEBIAN_FASHION_MNIST.is_dir():
        return DEBIAN_FASHION_MNIST
    from torchvision.datasets import FashionMNIST

    try:
        return Path(FashionMNIST(str(_cache()), download=True).raw_folder)
    except (OSError, RuntimeError) as e:  # RuntimeError: every mirror failed
        raise DataError(f"fashion_mnist: {e}; {HOW_TO_GET_FASHION_MNIST}") from e


def _read_idx(folder: Path, name: str) -> np.ndarray:
    packed, plain = folder / f"{name}.gz", folder / name
    file = packed if packed.exists() else plain
    try:
        content = file.read_bytes()
        content = gzip.decompress(content) if file == packed else content
    except FileNotFoundError as e:
        raise DataError(f"{file}: missing; {HOW_TO_GET_FASHION_MNIST}") from e
    except (OSError, EOFError, zlib.error) as e:
        raise DataError(f"{file}: damaged: {e}") from e
    if hashlib.sha256(content).hexdigest() != FASHION_MNIST[name]:
        raise DataError(f"{file}: damaged: not the digest of {name}")
    rank = content[3]
    shape = np.frombuffer(content, ">u4", rank, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def read_cifar10(path: Path | None) -> RawImages:
    """50,000 + 10,000 colour pictures, 32x32 (https://www.cs.toronto.edu/~kriz/cifar.html);
    torchvision fetches them once and checks their digests."""
    from torchvision.datasets import CIFAR10

    root = str(path or _cache())
    try:
        train, test = (CIFAR10(root, train=t, download=True) for t in (True, False))
    except (OSError, RuntimeError) as e:
        raise DataError(
            f"cifar10: {e}; run where there is a network, or give data_path, a folder that "
            "holds cifar-10-batches-py"
        ) from e
    return RawImages(
        train.data.transpose(0, 3, 1, 2),
        np.array(train.targets),
        test.data.transpose(0, 3, 1, 2),
        np.array(test.targets),
    )


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "nn2vec" / "images"


READERS = {
    "digits": read_digits,
    "fashion_mnist": read_fashion_mnist,
    "cifar10": read_cifar10,
}
