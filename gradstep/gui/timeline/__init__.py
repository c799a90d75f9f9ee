"""The strip over the full width: which phases and operations were done, and which come."""

from gradstep.gui.timeline.panel import TimelinePanel

__all__ = ["TimelinePanel"]
