"""The text of a lesson beside its program, and the learner's predictions."""

from gradstep.gui.lesson.panel import LessonPanel as LessonPanel
