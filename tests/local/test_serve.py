"""What a local vault tells people to type."""

import re

from datavault.local.serve import CREATE, LIST, _first_request
from datavault.wiring import Settings


def test_what_is_to_be_exported_is_in_no_settings_way() -> None:
    for options in (CREATE, LIST):
        said = _first_request("http://127.0.0.1:4566/live", "a.b.c", options)
        exported = dict(re.findall(r"^ *export (\w+)=(\S+)$", said, re.MULTILINE))
        # A name beginning with VAULT_ that is no setting would be refused by every command.
        assert Settings.read(exported) == Settings()
        assert list(exported.values()) == ["a.b.c"]
        (name,) = exported
        assert f"Bearer ${name}" in said
