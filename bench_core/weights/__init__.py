"""Files of weights: pretrained networks, published checkpoints and our own."""
