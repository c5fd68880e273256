"""The demo: one real line from a Prometheus-X document to a commission statement."""
