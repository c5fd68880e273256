"""What is measured, by programs that print figures and keep them in `docs/figures.json`."""
