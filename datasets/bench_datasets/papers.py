"""The data sets of the papers: where each comes from and how the papers divide it, as data."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench_core.errors import BadInput
from bench_datasets.divisions import Rule, by_number, in_layout, last_of, own_or
from bench_datasets.listing import Split, existing_folder, known_split
from bench_datasets.lists import from_celeba_list

if TYPE_CHECKING:
    from bench_datasets.file_images import FileImages


@dataclass(frozen=True)
class PaperSet:
    """A data set that its authors hand out and that the user puts in a folder."""

    name: str
    title: str
    source: str
    """Where to get it."""
    division: str
    """The rule in words, and whose it is."""
    rule: Rule

    @property
    def text(self) -> str:
        return f"{self.source} {self.division}"

    def open_split(self, folder: Path | None, split: Split) -> "FileImages":
        """Open one split.

        Raises:
            BadInput: the folder is missing or laid out otherwise; the text says where to get the set.
        """
        from bench_datasets.file_images import FileImages  # here, as listing the sets must not import NumPy

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
    from_celeba_list,
)

CELEBA_HQ = PaperSet(
    "celeba_hq",
    "CelebA-HQ, 30,000 faces, 1024 x 1024",
    "https://github.com/tkarras/progressive_growing_of_gans - made from CelebA by the authors' tool.",
    "28,000 train and 2,000 test, as inpainting papers have it; which ones differs between papers, so give their lists "
    "as subfolders train/ and test/ or as split.csv (columns name,split). Else, in the order of the images' numbers, "
    "the last 2,000 are test.",
    own_or(last_of(30_000, num_test=2_000)),
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
    in_layout(
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
    in_layout(
        ("paris_train_original", "paris_eval_gt"),
        ("paris_train_original", "paris_eval/paris_eval_gt"),
        ("paris_train_original", "paris_eval"),
    ),
)

PAPER_SETS = (CELEBA, CELEBA_HQ, FFHQ, PLACES2, PARIS_STREETVIEW)
