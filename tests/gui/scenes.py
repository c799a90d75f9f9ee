"""Scenes of graphs made by hand, and their items by what is written on them."""

from __future__ import annotations

from gradstep.gui.graph.build import build
from gradstep.gui.graph.model import GraphModel
from gradstep.gui.graph.scene import Item, Link, Scene
from gradstep.protocol.trace import Graph
from tests.gui import graphs


def model_of(graph: Graph) -> GraphModel:
    model = GraphModel()
    model.merge(graph)
    return model


def linear(moment_name: str = "mock") -> tuple[GraphModel, Scene]:
    graph, stop = graphs.linear(2, moment_name)
    model = model_of(graph)
    model.take(stop)
    return model, build(model)


def item(scene: Scene, text: str) -> Item:
    return next(i for i in scene.items.values() if i.text == text)


def link(scene: Scene, name: str) -> Link:
    """The link that carries the value ``name``."""
    return next(
        k for k in scene.links.values() if k.edge.name == name or scene.items[k.source].text == name
    )
