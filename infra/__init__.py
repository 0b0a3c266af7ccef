"""The vault on AWS: a CDK app that derives routes, functions and permissions from OPERATIONS.

``app`` composes the stacks of a stage (``stages``). A construct per capability of the platform
defines resources; the stacks only compose them. Of the library it reads the operations table and
nothing else, so that synthesis never loads an adapter. It is the only place that imports the CDK.
"""

import os
import sys
from pathlib import Path

# The CDK runs on Node: prefer the one that is installed beside this Python to the machine's own.
_node = Path(sys.executable).with_name("node")
if _node.is_file():
    os.environ.setdefault("JSII_NODE", str(_node))
