"""The web pages: provinces, facilities, cameras, live view. Templates and words, no business rules."""
