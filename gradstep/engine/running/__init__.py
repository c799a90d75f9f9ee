"""How a program begins and ends: script, experiment, attached; as under plain Python."""
