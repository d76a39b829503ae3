"""The demo's tabs: layout and wiring, no work."""
