"""What happens when a visitor does something: plain functions, tested without a browser."""
