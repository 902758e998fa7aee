"""Mask families of this project.

Lengths are in pixels of a square canvas of side `canvas`. They scale with the image.
"""

from bench_core import MaskFamily, hookimpl
from bench_masks.lama_presets import PRESETS

_CANVAS = {"canvas": 256}
_BOX = {"side": 128.0, "shrink": 16.0}
_BRUSH = {"strokes": (1, 3), "vertices": (4, 11), "thickness": (12.0, 40.0)}


@hookimpl
def bench_masks() -> list[MaskFamily]:
    return [
        MaskFamily(
            name="center_box",
            title="A square in the center of the image",
            draw="bench_masks.boxes:center_box",
            parameters={"side": 128.0, **_CANVAS},
            source="Pathak et al., CVPR 2016",
        ),
        MaskFamily(
            name="random_box",
            title="A square at a random place, shrunk at random on all sides",
            draw="bench_masks.boxes:random_box",
            parameters={**_BOX, **_CANVAS},
            source="Yu et al., CVPR 2018, as in their code; Hui et al., arXiv 2002.02609 (with shrink = 17), whose "
            "code draws one of 129 places per axis, here one of 128",
        ),
        MaskFamily(
            name="free_form",
            title="Strokes of a brush, optionally together with a random box",
            draw="bench_masks.strokes:free_form",
            parameters={**_BRUSH, "with_box": False, **_BOX, **_CANVAS},
            source="Yu et al., ICCV 2019, as in their code and drawn by Pillow, with a fix for non-square images",
        ),
        MaskFamily(
            name="irregular_walk",
            title="Random walks of thick segments, redrawn until their area lies between bounds",
            draw="bench_masks.walks:irregular_walk",
            parameters={
                "strokes": (4, 9),
                "segments": (1, 5),
                "length": (20, 127),
                "thickness": (10, 44),
                "hole_ratio": (0.15, 0.65),
                **_CANVAS,
            },
            source="MMagic's irregular masks, as in its code for partial convolutions at 256, with a fix for "
            "non-square images; in place of the optical-flow masks of Liu et al., ECCV 2018",
        ),
        MaskFamily(
            name="chains_or_boxes",
            title="Chains of thick segments, or boxes, redrawn until their area lies between bounds",
            draw="bench_masks.chains:chains_or_boxes",
            parameters=PRESETS["wide_256"],
            source="Suvorov et al., WACV 2022, as in their code; the defaults are their wide holes at 256",
        ),
        *(
            MaskFamily(
                name=name,
                title=f"LaMa's {name.split('_')[0]} holes for images of {name.split('_')[1]} pixels",
                draw="bench_masks.chains:chains_or_boxes",
                parameters=parameters,
                source="Suvorov et al., WACV 2022; chains_or_boxes with their arguments",
            )
            for name, parameters in PRESETS.items()
        ),
        MaskFamily(
            name="outpainting",
            title="Bands along some of the image's borders",
            draw="bench_masks.outpainting:outpainting",
            parameters={"sides": "left,right,top,bottom", "borders": (1, 4), "depth": (0.1, 0.25)},
            source="this harness",
        ),
        MaskFamily(
            name="instances",
            title="Silhouettes of labelled objects at other places, in place of LaMa's segmentation masks",
            draw="bench_masks.instances:instances",
            parameters={
                "folder": ...,
                "largest": 0.3,
                "scale": (0.75, 1.25),
                "shift": 0.1,
                "hidden": 0.2,
                "overlap": 0.5,
                "smallest": 0.02,
            },
            source="after Suvorov et al., WACV 2022, with your instance maps in place of a network's",
            content="bench_masks.instances:content",
        ),
        MaskFamily(
            name="set",
            title="A mask set file: pair i gets hole i, modulo the number of holes",
            draw="bench_masks.mask_set_file:from_file",
            parameters={"file": ..., "sha256": ""},
            source="`bench masks make` or `bench masks import`",
            content="bench_masks.mask_set_file:content",
            numbered=True,
        ),
        MaskFamily(
            name="files",
            title="Mask images from a folder",
            draw="bench_masks.image_folder:from_folder",
            parameters={"folder": ..., "hole": ..., "threshold": 128},
            source='your own: hole = "white" or "black" is the colour of missing pixels',
            content="bench_masks.image_folder:content",
        ),
    ]
