"""What the examples have in common."""

from typing import Any

DATASET = "ds_0197c1b0-2f80-7a3e-9c41-5d2b8f6e0a17"
COMMIT = "9f2c4e71a0b3d58697e1f4c2ab7d03e65c1f8892d4ab60e7735c19fe02d8b6a4"
PARENT = "1b7e09c3f45a2d8860b1c97e3fd25a4468e90b1c7d3f52a6e8140c9b7f2d6e35"
ROOT = "c40d96be13f7a8525e0b67d19c3fa4e281d75b06e9f3c4a812d6570b9e8fc134"
RECORD_ID = "chat-0001"
RECORD = {"id": RECORD_ID, "prompt": "What is a vault?", "response": "A room that locks."}
AT = "2026-05-04T09:30:00Z"


def links(**hrefs: str) -> dict[str, Any]:
    return {name: {"href": f"/api/v1/datasets{path}"} for name, path in hrefs.items()}


ONE_PAGE = {"next_cursor": None, "has_more": False}
