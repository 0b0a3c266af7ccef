"""The command ``datavault``: users' commands on the client, operators' on the vault itself.

A module for each topic; what they import at their top is ``click`` and each other, so that help and
completion are there at once. ``exits`` has the exit codes, ``output`` what is written.
"""
