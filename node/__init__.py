"""The node: what an organisation installs. Turns intent into transactions, and answers reads."""
