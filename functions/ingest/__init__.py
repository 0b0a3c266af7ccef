"""How large files come in: uploads in parts, and objects that others put into the landing."""
