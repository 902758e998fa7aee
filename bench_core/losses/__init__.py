"""Loss terms that many papers share: functions from a `bench_core.methods.method.LossContext` to a scalar."""

from bench_core.hookspecs import hookimpl
from bench_core.specs import Loss

_HERE = "bench_core.losses"


@hookimpl
def bench_losses() -> list[Loss]:
    return [
        Loss("l1", "mean |prediction - image|", f"{_HERE}.reconstruction:l1"),
        Loss("l2", "mean (prediction - image)^2", f"{_HERE}.reconstruction:l2"),
        Loss("hole_l1", "sum |prediction - image| over the hole / C H W", f"{_HERE}.reconstruction:hole_l1"),
        Loss("valid_l1", "sum |prediction - image| outside the hole / C H W", f"{_HERE}.reconstruction:valid_l1"),
        Loss("perceptual", "L1 between VGG-16 pool1..3 features", f"{_HERE}.perceptual:perceptual", "vgg16"),
        Loss("style", "L1 between Gram matrices of VGG-16 pool1..3", f"{_HERE}.perceptual:style", "vgg16"),
        Loss("tv", "total variation of the composite in the hole dilated by 1 pixel", f"{_HERE}.smoothness:tv"),
    ]
