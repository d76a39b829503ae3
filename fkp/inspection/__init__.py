"""Pictures of what a network learned, from its exported file."""
