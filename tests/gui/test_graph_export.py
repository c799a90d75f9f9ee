"""The graph as SVG, PDF and PNG, read by other programs than the one that wrote it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from gradstep.gui.export import DOTS
from gradstep.gui.export import SHARPNESS as SHARP
from gradstep.gui.graph.exporting import MARGIN, export
from gradstep.gui.theme import theme
from gradstep.phases import Phase
from tests.gui import graphs
from tests.gui.graph_bench import Bench, on_the_bench

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def bench(qapp: object) -> Iterator[Bench]:
    yield from on_the_bench()


def size(bench: Bench) -> tuple[float, float]:
    bounds = bench.canvas.picture.placement.bounds
    return bounds.width + 2 * MARGIN, bounds.height + 2 * MARGIN


def test_svg_holds_every_name_and_number_as_text(bench: Bench, tmp_path: Path) -> None:
    bench.feed(graphs.linear(2, "mock"))
    bench.canvas.zoom_to(0.2)
    bench.canvas.select(bench.item("w").key)
    export(bench.canvas.picture, tmp_path / "graph.svg")
    root = ElementTree.parse(tmp_path / "graph.svg").getroot()
    words = {"".join(text.itertext()) for text in root.iter(f"{SVG}text")}
    assert {"w", "x", "y", "×", "loss", "model", "loss_fn", "1.02", "2.04", "3.8416"} <= words
    assert {"\N{MINUS SIGN}3.92", "next", "no grad"} <= words
    box = [float(number) for number in root.attrib["viewBox"].split()]
    assert box[2:] == pytest.approx(size(bench), abs=1)
    ring = theme().colour("selection_ring_and_primary_button").name()
    assert f'stroke="{ring}" stroke-width="2"' not in (tmp_path / "graph.svg").read_text()
    assert bench.canvas.selected == bench.item("w").key, "exporting changes nothing"


def test_pdf_is_one_page_with_fonts_and_no_picture(bench: Bench, tmp_path: Path) -> None:
    bench.feed(graphs.two_layers())
    export(bench.canvas.picture, tmp_path / "graph.pdf")
    data = (tmp_path / "graph.pdf").read_bytes()
    assert data.startswith(b"%PDF-") and data.count(b"/Type /Page\n") == 1
    assert b"/Font" in data and b"/Subtype /Image" not in data
    box = re.search(rb"/MediaBox \[([^\]]*)\]", data)
    assert box is not None
    left, top, right, bottom = map(float, box[1].split())
    points = [length * 72 / DOTS for length in size(bench)]
    assert (right - left, bottom - top) == pytest.approx(points, abs=1.5)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_png_is_sharp_and_in_the_colours_of_now(bench: Bench, tmp_path: Path, scheme: str) -> None:
    theme().force(scheme)
    bench.feed(graphs.linear(2, "mock"))
    export(bench.canvas.picture, tmp_path / "graph.png")
    image = QImage(str(tmp_path / "graph.png"))
    width, height = size(bench)
    assert (image.width(), image.height()) == (round(width * SHARP), round(height * SHARP))
    assert image.pixelColor(2, 2) == theme().colour("canvas")
    bounds = bench.canvas.picture.placement.bounds
    x, y = bench.canvas.picture.placement.boxes[bench.item("mul").key]
    at = round((x - bounds.left + MARGIN) * SHARP), round((y + 15 - bounds.top + MARGIN) * SHARP)
    assert image.pixelColor(*at) == theme().phase(Phase.BACKWARD).solid


def test_another_name_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.feed(graphs.linear(2))
    with pytest.raises(ValueError, match="svg, png, pdf"):
        export(bench.canvas.picture, tmp_path / "graph.docx")
