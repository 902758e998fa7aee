"""Mask sets: drawn by a family, stored in a file, or imported from a folder of mask images."""
