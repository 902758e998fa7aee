"""Tensor types for annotations. The tests check the shapes of every call."""

from jaxtyping import Float, UInt8
from torch import Tensor

ImageTensor = Float[Tensor, "b c h w"]
"""Images in [0, 1], unless a function names another range."""
Pixels = UInt8[Tensor, "b c h w"]
"""Images of 8 bits, as they are read."""
HoleTensor = Float[Tensor, "b 1 h w"]
"""1 = missing, 0 = known."""
Guidance = Float[Tensor, "b g h w"]
"""Further input of a guided method, such as a sketch of edges."""
Features = Float[Tensor, "b c h w"]
"""Feature maps of a network."""
Scalar = Float[Tensor, ""]
