"""A plugin with one honest method, and a form of it for each way to break a rule."""

from dataclasses import replace

from bench_core import Model, Optimiser, Phase, Recipe, Update, hookimpl

CHEATS = {
    "peeks": "Peeks",
    "inverted": "Inverted",
    "blind": "Blind",
    "spoils": "Spoils",
    "closes": "Closes",
    "wide": "Wide",
    "double": "Double",
    "divides": "Divides",
    "random": "Random",
    "batch_statistics": "BatchStatistics",
    "quiet": "Quiet",
    "counts": "Counts",
    "even_widths": "EvenWidths",
    "unstable": "Unstable",
    "divides_by_hole": "DividesByHole",
    "raises": "Raises",
}

HONEST = Model(
    "cheats",
    "Honest",
    "Nobody, nowhere.",
    "bench_cheats.methods:Honest",
    Recipe((Phase("train", ((Update("generator", Optimiser("SGD", {"lr": 0.1}), {"l1": 1.0}),),)),), "default"),
    num_parameters={"nano": 4 * 3 * 5 * 5 + 3},
)


def form(name, **changes):
    return replace(HONEST, name=f"cheats:{name}", **changes)


def guided_form(name, guide):
    return form(name, build="bench_cheats.guides:Guided", guide=guide, num_parameters={"nano": 7 * 3 * 5 * 5 + 3})


@hookimpl
def bench_models():
    return [
        HONEST,
        *(form(name, build=f"bench_cheats.methods:{kind}") for name, kind in CHEATS.items()),
        form("declared", build="bench_cheats.methods:Random", stochastic=True),
        form("unseeded", build="bench_cheats.methods:Unseeded", stochastic=True),
        form("pretender", stochastic=True),
        form("mixing", build="bench_cheats.methods:BatchStatistics", batch_dependent=True),
        form("separate", batch_dependent=True),
        form("erases", postprocess="bench_cheats:erase", shares_weights_with="cheats"),
        guided_form("shown", "bench_cheats.guides:Truth"),
        guided_form("layers", "bench_cheats.guides:Bits"),
        guided_form("sketched", "bench_cheats.guides:Lines"),
        form("miscounted", num_parameters={"nano": 300}),
        form("picky", supports_hole="bench_cheats:supports_hole"),
        form("useless", supports_hole="bench_cheats:refuse"),
        form("multiple", build="bench_cheats.methods:Coarse", size_multiple={"paper": 4, "nano": 4}),
        form("square", build="bench_cheats.methods:Square", size_multiple={"paper": 16, "nano": 16}),
    ]


def erase(masked, hole, prediction):
    hole.zero_()
    return prediction


def supports_hole(hole):
    side = len(hole)
    return "fills holes above the middle only" if hole[side // 2 :].any() else ""


def refuse(hole):
    return "fills nothing"
