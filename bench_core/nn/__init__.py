"""Layers and networks that several papers share."""
