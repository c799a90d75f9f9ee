"""Run as ``python -m trainer_package``."""
