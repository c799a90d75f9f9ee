"""What the panel does with the shown value beyond showing it: its distribution, what stands beside
it, edits, copies and files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QWidget

from gradstep.gui.background import Background
from gradstep.gui.export import ask_for_file
from gradstep.gui.value import codes
from gradstep.gui.value.beside import BesideList
from gradstep.gui.value.edited import EditedRow
from gradstep.gui.value.picture import Mode, step_of
from gradstep.gui.value.reader import Reader
from gradstep.gui.value.scalar import ScalarCard
from gradstep.gui.value.tensor import FIELDS, TensorView
from gradstep.phases import Phase
from gradstep.protocol.examination import (
    BESIDE,
    EVALUATED,
    Axes,
    Edited,
    OptimizerState,
    SavedTensor,
)
from gradstep.protocol.messages import Problem
from gradstep.protocol.trace import Reason
from gradstep.protocol.values import Fetched, ValueInfo, ValueKind

if TYPE_CHECKING:
    from gradstep.gui.session import Session

MAX_COPIED = 1 << 20
"""Elements that are copied as text or code at most; files may be larger."""
_STATE: Any = OptimizerState | None


class Details(QObject):
    """``optimizer``, ``saved`` and ``edited`` are rows for the panel's column."""

    opened = Signal(str)
    """The ref of a tensor that stands beside the value."""
    told = Signal(str)
    """A sentence about what could not be done; empty when all is well."""

    def __init__(
        self,
        session: Session,
        reader: Reader,
        card: ScalarCard,
        tensor: TensorView,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._session, self._reader = session, reader
        self._card, self._tensor = card, tensor
        self._background = Background(self)
        self._ref = ""
        self._info: ValueInfo | None = None
        self.optimizer = BesideList("value_optimizer", parent)
        self.saved = BesideList("value_saved", parent)
        self.edited = EditedRow(parent)
        for rows in (self.optimizer, self.saved):
            rows.opened.connect(self.opened)
            rows.edited.connect(self._edit_option)
        reader.distributed.connect(tensor.show_histogram)
        tensor.edited.connect(self._edit_element)
        tensor.pictureWanted.connect(self._fetch_picture)
        for field, column in (("data", card.data), ("grad", card.grad)):
            column.number.edited.connect(lambda text, f=field: self._edit_single(f, text))
        self.edited.undone.connect(self._undo)
        session.programOpened.connect(lambda _: self.edited.clear())

    # -- showing -----------------------------------------------------------------------------

    def show(self, ref: str, info: ValueInfo, past: bool) -> None:
        """``info`` is what the value called ``ref`` is now."""
        self._ref, self._info = ref, info
        leaf = info.tensor.is_leaf and not ref.startswith(EVALUATED) and "@ saved" not in ref
        editable = self._may_edit() and leaf and not past
        for table in self._tensor.tables.values():
            table.model.editable = editable
        for column in (self._card.data, self._card.grad):
            column.number.set_editable(editable)
        stop = self._session.stop
        self.edited.show_of(ref, stop.iteration if stop is not None else 0, info.tensor.dtype)
        if not past and len(info.tensor.shape) > 2:
            self._reader.ask("axes", Axes, self._tensor.slices.set_names)
        kind = info.kind if not past and BESIDE not in ref else None
        if kind is ValueKind.PARAMETER:
            self._reader.ask("optimizer", _STATE, self._show_optimizer)
        else:
            self.optimizer.hide()
        if kind is ValueKind.RESULT and not ref.startswith(EVALUATED):
            self._reader.ask("saved", tuple[SavedTensor, ...], self.saved.show_saved)
        else:
            self.saved.hide()

    def _fetch_picture(self, field: str) -> None:
        """The slice that is shown, or with its channels."""
        info, index = self._tensor.info, self._tensor.index
        if info is None:
            return
        image = self._tensor.mode is Mode.IMAGE and field in FIELDS
        prefix = index[:-1] if image else index
        step = step_of(info.tensor.shape)

        def take(found: Fetched, body: bytes) -> None:
            same = self._tensor.info is not None and self._tensor.info.ref == info.ref
            if same and (image is (self._tensor.mode is Mode.IMAGE and field in FIELDS)):
                elements = np.frombuffer(body, np.dtype(found.stored).newbyteorder("<"))
                self._tensor.show_picture(field, elements.reshape(found.shape), prefix)

        self._session.ask(
            "value",
            Fetched,
            take,
            failed=lambda problem: None,
            tag=f"value.picture.{field}",
            ref=info.ref,
            field=field,
            index=prefix,
            **({"step": step} if step > 1 else {}),
        )

    def _show_optimizer(self, found: OptimizerState | None) -> None:
        self.optimizer.show_optimizer(self._ref, found, self._may_edit())

    def _may_edit(self) -> bool:
        loaded = self._session.loaded_program
        return loaded is not None and loaded.kind == "experiment"

    # -- editing -----------------------------------------------------------------------------

    def _edit_single(self, field: str, text: str) -> None:
        assert self._info is not None
        self._edit_element(field, (0,) * len(self._info.tensor.shape), text)

    def _edit_element(self, field: str, index: tuple[int, ...], text: str) -> None:
        self._edit(self.edited.tell, ref=self._ref, value=text, field=field, index=index)

    def _edit_option(self, ref: str, text: str) -> None:
        self._edit(self.optimizer.tell, ref=ref, value=text)

    def _undo(self, last: Edited) -> None:
        self._edit(
            self.edited.tell,
            undo=True,
            ref=last.ref,
            value=last.old,
            field=last.field,
            index=last.index,
        )

    def _edit(self, tell: Callable[[str], None], *, undo: bool = False, **what: Any) -> None:
        def done(edited: Edited, _: bytes) -> None:
            tell("")
            if undo:
                self.edited.take_back()
            else:
                self.edited.add(edited, self._iteration_of_edit())
            self._session.refresh()
            if self._ref.startswith("#") or BESIDE in self._ref:
                self._reader.describe()

        def failed(problem: Problem) -> None:
            tell(problem.message)

        self._session.tell("edit", Edited, done, failed=failed, **what)

    def _iteration_of_edit(self) -> int:
        """Between two iterations it is the coming one that an edit belongs to."""
        stop = self._session.stop
        if stop is None:
            return 0
        between = stop.phase in (None, Phase.ZERO_GRAD) or stop.reason is Reason.START
        return stop.iteration + between

    # -- copies and files --------------------------------------------------------------------

    def actions(self, parent: QWidget) -> list[QAction]:
        """For the panel's menu."""
        found = []
        for id, text, run in (
            ("copy_text", self.tr("Copy all as text"), self._copy_text),
            ("copy_numpy", self.tr("Copy as NumPy code"), self._copy_numpy),
            ("copy_torch", self.tr("Copy as torch code"), self._copy_torch),
            ("export_csv", self.tr("Save as CSV…"), lambda: self._save("csv")),
            ("export_npy", self.tr("Save as .npy…"), lambda: self._save("npy")),
        ):
            action = QAction(text, parent)
            action.setObjectName(f"value_{id}")
            action.triggered.connect(run)
            found.append(action)
        return found

    def _copy_text(self) -> None:
        self._copy(lambda elements, info: codes.as_text(elements, info.tensor.dtype))

    def _copy_numpy(self) -> None:
        self._copy(lambda elements, info: codes.as_numpy(elements))

    def _copy_torch(self) -> None:
        self._copy(lambda elements, info: codes.as_torch(elements, info.tensor.dtype))

    def _copy(self, make: Callable[[Any, ValueInfo], str]) -> None:
        if self._info is not None and self._info.tensor.numel > MAX_COPIED:
            self.told.emit(self.tr("Too many elements to copy; save them to a file."))
            return
        self._whole(
            lambda elements, info: QGuiApplication.clipboard().setText(make(elements, info))
        )

    def _save(self, kind: str) -> None:
        if self._info is None:
            return
        title = self.tr("Save the elements")
        ask_for_file(
            self._tensor.window(), title, self._info.name, (kind,), lambda p: self.write(p, kind)
        )

    def write(self, path: str, kind: str) -> None:
        """All elements into a file, as ``csv`` or ``npy``."""

        def store(elements: Any, info: ValueInfo) -> None:
            # Millions of elements take seconds to be put into words.
            self._background.do(lambda: _stored(path, kind, elements), self._told_of_file)

        self._whole(store)

    def _told_of_file(self, problem: OSError | None) -> None:
        if problem is not None:
            text = self.tr("{0} was not written: {1}")
            self.told.emit(text.format(problem.filename, problem.strerror))

    def _whole(self, done: Callable[[Any, ValueInfo], None]) -> None:
        """All elements of the data, whatever part of them is shown."""

        def answered(found: Fetched, body: bytes) -> None:
            kind = np.dtype(found.stored).newbyteorder("<")
            done(np.frombuffer(body, kind).reshape(found.shape).astype(found.stored), found.info)

        self._session.ask(
            "value",
            Fetched,
            answered,
            failed=lambda problem: self.told.emit(problem.message),
            tag="value.whole",
            ref=self._ref,
            field="data",
        )


def _stored(path: str, kind: str, elements: Any) -> OSError | None:
    """Write a file; what went wrong."""
    body = codes.as_npy(elements) if kind == "npy" else codes.as_csv(elements).encode()
    try:
        with open(path, "wb") as file:
            file.write(body)
    except OSError as error:
        return error
    return None
