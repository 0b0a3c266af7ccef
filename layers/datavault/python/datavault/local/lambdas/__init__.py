"""Lambda functions as AWS runs them: its own runtime client, in a process per environment."""
