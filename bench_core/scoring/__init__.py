"""Evaluation of images from any program, stored beside the results of methods."""
