"""Where the person wants the program to stop: kept, shown, sent to the engine.

``model`` holds them, without Qt; ``keeper`` sends and remembers them; ``panel`` lists them."""
