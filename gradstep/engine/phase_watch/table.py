"""Every rule of the phase watch: its kind, what happened, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from gradstep.phases import Phase


@dataclass(frozen=True)
class Mistake:
    """``suggestion`` may name ``{where}``: the line that the finding is about."""

    kind: str
    title: str
    suggestion: str
    phase: Phase


WATCH_FAILED = Mistake(
    "watch_failed",
    "The phase watch gave up: a fault of gradstep's own.",
    "The program is not affected. Please report it.",
    Phase.FORWARD,
)
NEVER_ZEROED = Mistake(
    "never_zeroed",
    "Gradients were never zeroed.",
    "{call} once per update, before the backward at {where}.",
    Phase.BACKWARD,
)
UPDATE_FIRST = Mistake(
    "update_before_backward",
    "The update ran before any backward.",
    "Call the step at {where} after loss.backward(): until then there is no gradient to go by.",
    Phase.UPDATE,
)
FREED_GRAPH = Mistake(
    "freed_graph",
    "A second backward went through a graph that was already freed.",
    "Run forward again before {where}, add the losses and call backward once, or detach what is "
    "carried over from the iteration before. Only if both gradients of one graph are wanted, pass "
    "retain_graph=True to the first backward.",
    Phase.BACKWARD,
)
IN_PLACE = Mistake(
    "in_place",
    "A value that backward still needed was changed in place.",
    "At {where}, make a new tensor instead (y = y + 1, not y += 1), or make the change after "
    "backward.",
    Phase.FORWARD,
)
DETACHED_LOSS = Mistake(
    "detached_loss",
    "The loss is detached: no way leads from it to a parameter.",
    "Compute the loss from the model's output with torch operations only, with gradients on.",
    Phase.BACKWARD,
)
KEPT_LOSS = Mistake(
    "kept_loss",
    "The loss is kept together with its graph.",
    "At {where}, keep the number alone: loss.item(), or loss.detach().",
    Phase.FORWARD,
)
NO_GRADIENT = Mistake(
    "no_gradient",
    "A parameter never gets a gradient.",
    "",  # depends on the reason
    Phase.UPDATE,
)
NO_OPTIMIZER = Mistake(
    "no_optimizer",
    "A parameter is in no optimizer.",
    "Give {them} to the optimizer that steps at {where}; or call requires_grad_(False) if nothing "
    "there is to be trained, and backward saves the work.",
    Phase.UPDATE,
)
SCHEDULER = Mistake(
    "scheduler_per_batch",
    "The learning-rate scheduler is stepped after every batch.",
    "Move the call at {where} out of the loop over batches, or give the schedule its lengths in "
    "batches.",
    Phase.UPDATE,
)
EVAL_LEFT_ON = Mistake(
    "eval_left_on",
    "Training goes on in eval mode.",
    "Call train() again when the evaluation that began at {where} is over.",
    Phase.UPDATE,
)
