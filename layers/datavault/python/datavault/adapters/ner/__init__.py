"""Names, places, organisations and street addresses by a small network, run by onnxruntime.

Needs the layer ``privacy``; its packages are imported nowhere else.
"""
