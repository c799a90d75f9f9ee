"""What can be done with the graph."""

from __future__ import annotations

from gradstep.gui.action import Action, Context, Menu, has_graph
from gradstep.gui.translation import QT_TRANSLATE_NOOP


def _is_overview(context: Context) -> bool:
    return context.graph and context.overview


def _is_whole(context: Context) -> bool:
    return context.graph and not context.overview


GRAPH: tuple[Action, ...] = (
    Action(
        "graph_find",
        QT_TRANSLATE_NOOP("Actions", "Find in the graph"),
        lambda host: host.graph.open_search(),
        keys=("Ctrl+F",),
        icon="search",
        menu=Menu.GRAPH,
        tip=QT_TRANSLATE_NOOP("Actions", "Find by name, kind or shape, also in what is folded"),
        enabled_when=has_graph,
    ),
    Action(
        "graph_find_next",
        QT_TRANSLATE_NOOP("Actions", "Next match"),
        lambda host: host.graph.seeker.step(1),
        keys=("F3",),
        menu=Menu.GRAPH,
        enabled_when=has_graph,
        repeats=True,
    ),
    Action(
        "graph_find_previous",
        QT_TRANSLATE_NOOP("Actions", "Previous match"),
        lambda host: host.graph.seeker.step(-1),
        keys=("Shift+F3",),
        menu=Menu.GRAPH,
        enabled_when=has_graph,
        repeats=True,
    ),
    Action(
        "graph_operations",
        QT_TRANSLATE_NOOP("Actions", "Every operation"),
        lambda host: host.graph.show_modules(False),
        keys=("Ctrl+Shift+O",),
        menu=Menu.GRAPH,
        section=1,
        enabled_when=has_graph,
        checked_when=_is_whole,
    ),
    Action(
        "graph_modules",
        QT_TRANSLATE_NOOP("Actions", "Modules as one"),
        lambda host: host.graph.show_modules(True),
        keys=("Ctrl+Shift+M",),
        menu=Menu.GRAPH,
        section=1,
        enabled_when=has_graph,
        checked_when=_is_overview,
    ),
    Action(
        "graph_show_all",
        QT_TRANSLATE_NOOP("Actions", "Show everything"),
        lambda host: host.graph.canvas.fit(),
        keys=("Ctrl+9",),
        menu=Menu.GRAPH,
        section=2,
        enabled_when=has_graph,
    ),
    Action(
        "graph_actual_size",
        QT_TRANSLATE_NOOP("Actions", "100 %"),
        lambda host: host.graph.canvas.zoom_to(1.0),
        keys=("Ctrl+0",),
        menu=Menu.GRAPH,
        section=2,
        enabled_when=has_graph,
    ),
    Action(
        "graph_larger",
        QT_TRANSLATE_NOOP("Actions", "Zoom in"),
        lambda host: host.graph.canvas.larger(),
        keys=("Ctrl++", "Ctrl+="),
        menu=Menu.GRAPH,
        section=2,
        enabled_when=has_graph,
        repeats=True,
    ),
    Action(
        "graph_smaller",
        QT_TRANSLATE_NOOP("Actions", "Zoom out"),
        lambda host: host.graph.canvas.smaller(),
        keys=("Ctrl+-",),
        menu=Menu.GRAPH,
        section=2,
        enabled_when=has_graph,
        repeats=True,
    ),
    Action(
        "graph_follow_step",
        QT_TRANSLATE_NOOP("Actions", "Follow the step"),
        lambda host: host.graph.follow.toggle(),
        keys=("Ctrl+L",),
        menu=Menu.GRAPH,
        section=3,
        tip=QT_TRANSLATE_NOOP("Actions", "Move the view to the next operation"),
        checked_when=lambda context: context.follow,
    ),
    Action(
        "graph_overview",
        QT_TRANSLATE_NOOP("Actions", "Overview in the corner"),
        lambda host: host.graph.toggle_minimap(),
        menu=Menu.GRAPH,
        section=3,
        tip=QT_TRANSLATE_NOOP("Actions", "All of a graph that is larger than its panel"),
        checked_when=lambda context: context.minimap,
    ),
    Action(
        "graph_export",
        QT_TRANSLATE_NOOP("Actions", "Export the graph…"),
        lambda host: host.graph.ask_for_export(),
        keys=("Ctrl+E",),
        menu=Menu.GRAPH,
        section=4,
        tip=QT_TRANSLATE_NOOP("Actions", "All of it as SVG, PDF or PNG, in the colours of now"),
        enabled_when=has_graph,
    ),
)
