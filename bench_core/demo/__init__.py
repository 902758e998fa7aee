"""`bench demo`: a local page on which a hole is painted into a picture, and methods fill it side by side.

A few routes of Starlette and a canvas of our own, not Gradio: the mask that its image editor returns has changed its
size from version to version, and here the mask must be exactly what was painted.
"""
