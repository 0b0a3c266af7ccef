"""How large files come in: uploads, drops, and the steps of the machine that reads them."""
