"""One module per command: parse the arguments, call the API, print. No logic of its own."""
