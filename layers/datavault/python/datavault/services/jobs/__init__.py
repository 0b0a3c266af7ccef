"""Jobs: asking about them, working on them, and finding those that nobody works on."""
