"""What crosses the wire between the window and the program under debug. Standard library only."""
