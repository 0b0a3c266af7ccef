"""What other teams are told."""
