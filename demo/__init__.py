"""The web demo: `ui` and `tabs` are layout, `handlers` are plain functions that need no browser."""
