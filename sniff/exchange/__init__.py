"""Messages in, exchanges out: which response answers which request, when each phase began, names behind addresses."""
