"""The acts of the demo; each goes through the node's own interface, or as an organisation's wallet,
and checks what it shows."""
