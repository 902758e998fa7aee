"""`bench demo`: a local page to draw a hole into an image and compare how methods inpaint it.

It consists of a few Starlette routes and a canvas of our own. Gradio's image editor has changed the size of the mask it
returns between versions; here the mask must be exactly what the user drew.
"""
