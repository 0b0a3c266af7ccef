"""How this client names itself to servers."""

import sys

from datavault.contracts.version import VERSION

USER_AGENT = f"datavault-python/{VERSION} python/{sys.version_info[0]}.{sys.version_info[1]}"
