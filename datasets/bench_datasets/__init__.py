"""Image sets: photographs without a download, any folder or shards, small torchvision sets, papers' data sets."""

from bench_core.hookspecs import hookimpl
from bench_core.specs import ImageSet
from bench_datasets.paper_sets import PAPER_SETS

_PHOTOS = ImageSet(
    "photos",
    "16 photographs that come with scikit-image (11 train, 5 test)",
    "bench_datasets.photos:open_split",
    "Installed with scikit-image; nothing is downloaded. Split by image; both views of one scene are in train.",
    needs_folder=False,
)

_FOLDER = ImageSet(
    "folder",
    "any folder of images, with its subfolders",
    "bench_datasets.folder:open_split",
    "Your own images (jpg, png, webp, tif, gif, jp2, avif, ppm ...). Split by the subfolders train/ and test/; else by "
    "split.csv (columns name,split); else by train/ and val/; else images whose name's sha256 is in the lowest fifth "
    "are test.",
)

_SHARDS = ImageSet(
    "shards",
    "any folder of tar files of images, such as WebDataset's shards",
    "bench_datasets.shards:open_split",
    "Your own images in uncompressed tar files. Split like a folder in which every tar file is a subfolder.",
)

_MNIST = ImageSet(
    "mnist",
    "MNIST: 70,000 handwritten digits, 28 x 28, grey (60,000 train, 10,000 test)",
    "bench_datasets.torchvision_sets:open_mnist",
    "http://yann.lecun.com/exdb/mnist/ - downloaded by torchvision to ~/.cache/inpaint-bench/mnist. A folder given by "
    "--data is only read: it holds MNIST/raw/*.gz. The official split.",
    needs_folder=False,
    default_folder="~/.cache/inpaint-bench/mnist/MNIST",
)

_CIFAR10 = ImageSet(
    "cifar10",
    "CIFAR-10: 60,000 small photographs, 32 x 32 (50,000 train, 10,000 test)",
    "bench_datasets.torchvision_sets:open_cifar10",
    "https://www.cs.toronto.edu/~kriz/cifar.html - downloaded by torchvision to ~/.cache/inpaint-bench/cifar10. A "
    "folder given by --data is only read: it holds cifar-10-python.tar.gz. The official split.",
    needs_folder=False,
    default_folder="~/.cache/inpaint-bench/cifar10/cifar-10-batches-py",
)


@hookimpl
def bench_image_sets() -> list[ImageSet]:
    paper_sets = [
        ImageSet(paper.name, paper.title, f"bench_datasets.paper_sets:{paper.name.upper()}.open_split", paper.text)
        for paper in PAPER_SETS
    ]
    return [_PHOTOS, _FOLDER, _SHARDS, _MNIST, _CIFAR10, *paper_sets]
