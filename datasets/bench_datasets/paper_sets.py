"""The data sets used in papers: where to get each one and how the papers split it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench_core.errors import BadInput
from bench_datasets.find_images import Split, existing_folder, known_split
from bench_datasets.split_files import read_celeba_partition
from bench_datasets.split_rules import Rule, by_number, by_subfolders, last_of, own_split_or

if TYPE_CHECKING:
    from bench_datasets.folder import FileImages


@dataclass(frozen=True)
class PaperSet:
    """Data set that you get from its authors and unpack in a folder."""

    name: str
    title: str
    source: str
    """The place to get it, and how to unpack it."""
    split: str
    """The split rule in words, and its origin."""
    rule: Rule

    @property
    def text(self) -> str:
        return f"{self.source} {self.split}"

    def open_split(self, folder: Path | None, split: Split) -> "FileImages":
        """Open one split.

        Raises:
            BadInput: the folder is missing or does not fit the split rule. The message says where to get the set.
        """
        from bench_datasets.folder import FileImages  # here, because listing the sets must not import NumPy

        known = known_split(split)
        try:
            existing = existing_folder(folder, self.name)
            return FileImages(existing, self.rule(existing, known))
        except BadInput as error:
            raise BadInput(f"{error}\n{self.title}: {self.text}") from error


CELEBA = PaperSet(
    "celeba",
    "CelebA, 202,599 aligned faces, 178 x 218",
    "http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html - unpack img_align_celeba.zip and put list_eval_partition.txt "
    "beside the folder img_align_celeba.",
    "The official partition: 0 is train, 2 is test; 1, validation, is left out.",
    read_celeba_partition,
)

CELEBA_HQ = PaperSet(
    "celeba_hq",
    "CelebA-HQ, 30,000 faces, 1024 x 1024",
    "https://github.com/tkarras/progressive_growing_of_gans - made from CelebA by the authors' tool.",
    "28,000 train and 2,000 test, as inpainting papers have it; papers differ in which, so give their lists "
    "as subfolders train/ and test/ or as split.csv (columns name,split). Else, in the order of the images' numbers, "
    "the last 2,000 are test.",
    own_split_or(last_of(30_000, num_test=2_000)),
)

FFHQ = PaperSet(
    "ffhq",
    "FFHQ, 70,000 faces, 1024 x 1024",
    "https://github.com/NVlabs/ffhq-dataset - give the folder of one size, such as images1024x1024.",
    "By the number in the name: 0 to 59999 are train, 60000 to 69999 are test (as in the DMFN paper).",
    by_number(test=range(60_000, 70_000), last=69_999),
)

PLACES2 = PaperSet(
    "places2",
    "Places2 (Places365), scenes",
    "http://places2.csail.mit.edu - unpack the training and the validation archive of one size in one folder.",
    "Train is the training folder (data_large, data_256 or train) and test the validation folder (val_large, "
    "val_256 or val).",
    by_subfolders(
        ("data_large", "val_large"),
        ("data_large_standard", "val_large"),
        ("data_256", "val_256"),
        ("data_256_standard", "val_256"),
        ("train", "val"),
    ),
)

PARIS_STREETVIEW = PaperSet(
    "paris_streetview",
    "Paris StreetView, 15,000 street views (14,900 train, 100 test)",
    "Given on request by the authors of Context Encoders: https://github.com/pathak22/context-encoder.",
    "The authors' folders: train is paris_train_original, test is paris_eval_gt (or paris_eval).",
    by_subfolders(
        ("paris_train_original", "paris_eval_gt"),
        ("paris_train_original", "paris_eval/paris_eval_gt"),
        ("paris_train_original", "paris_eval"),
    ),
)

PAPER_SETS = (CELEBA, CELEBA_HQ, FFHQ, PLACES2, PARIS_STREETVIEW)
