"""The experiments of the five course reports: what is measured beside accuracy, and their pictures."""
