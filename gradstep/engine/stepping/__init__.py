"""Where the program stops and how it goes on: phases, goals, breakpoints, lines, the gate."""
