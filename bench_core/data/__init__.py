"""Images and the pairs of image and hole that methods are trained and evaluated on."""
