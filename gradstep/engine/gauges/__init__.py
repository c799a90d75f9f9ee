"""Norms, ratios, histograms and dead units, gathered while somebody has subscribed."""

from gradstep.engine.gauges.gauging import Gauging

__all__ = ["Gauging"]
