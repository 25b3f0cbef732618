"""Messages in, exchanges out: which response answers which request, when each phase began, and the names behind addresses."""
