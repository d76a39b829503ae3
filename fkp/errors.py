"""What the project's own errors have in common."""


class FkpError(RuntimeError):
    """Something that a user can do something about; one sentence says what is wrong, and what to do."""
