"""Names of things: parsed once at the edge, carried as types from there on.

Generated ids are a prefix and a UUIDv7 (RFC 9562), so that they sort by creation time:
``ds_0190a6b2-...``. What a person chooses (dataset names, branch names, record ids) is bounded
and checked here; nothing else in the vault checks it again.
"""

import os
import re
import unicodedata
from typing import NewType

from datavault.domain.errors import Invalid

WorkspaceId = NewType("WorkspaceId", str)
DatasetId = NewType("DatasetId", str)
StoreId = NewType("StoreId", str)
BranchId = NewType("BranchId", str)
JobId = NewType("JobId", str)
UploadId = NewType("UploadId", str)
BatchId = NewType("BatchId", str)
EntryId = NewType("EntryId", str)
DatasetName = NewType("DatasetName", str)
BranchName = NewType("BranchName", str)
TagName = NewType("TagName", str)
RecordId = NewType("RecordId", str)
CommitId = NewType("CommitId", str)
RequestId = NewType("RequestId", str)

DATASET_NAME_CHARS_MAX = 256
# Of branches and tags: a ref is either.
BRANCH_NAME_CHARS_MAX = 128
RECORD_ID_BYTES_MAX = 512
REQUEST_ID_CHARS_MAX = 128
COMMIT_PREFIX_CHARS_MIN = 8
COMMIT_ID_CHARS = 64

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
# git's own rules for ref names, narrowed to what is safe unquoted in a URL, a shell and a file.
_BRANCH = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]|/(?=[A-Za-z0-9]))*")
_COMMIT = re.compile(r"[0-9a-f]{8,64}")
_REQUEST = re.compile(r"[\x21-\x7e]{1,128}")


def uuid7(now_ms: int) -> str:
    """A UUIDv7 for a time in milliseconds since the epoch (RFC 9562, section 5.7)."""
    return _uuid7(now_ms, os.urandom(10))


def _uuid7(now_ms: int, rest: bytes) -> str:
    """Of 80 bits besides the time, those that version and variant leave."""
    value = (now_ms & (1 << 48) - 1) << 80 | int.from_bytes(rest[:10])
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_id(prefix: str, now_ms: int) -> str:
    """A fresh id such as ``ds_0190...`` for the kind that ``prefix`` names."""
    return f"{prefix}_{uuid7(now_ms)}"


def derived_id(prefix: str, at_ms: int, seed: bytes) -> str:
    """The id of what happened at ``at_ms`` and is known by ``seed``, a hash: always the same one.

    Two seeds of one millisecond have the same id with a chance of 2**-74.
    """
    return f"{prefix}_{_uuid7(at_ms, seed)}"


def parse_dataset_id(text: str) -> DatasetId:
    """The dataset id in ``text``, or ``Invalid``."""
    return DatasetId(_parse_prefixed(text, "ds", "dataset_id"))


def parse_workspace_id(text: str) -> WorkspaceId:
    """The workspace id in ``text``, or ``Invalid``."""
    return WorkspaceId(_parse_prefixed(text, "ws", "workspace"))


def parse_job_id(text: str) -> JobId:
    """The job id in ``text``, or ``Invalid``."""
    return JobId(_parse_prefixed(text, "job", "job_id"))


def parse_upload_id(text: str) -> UploadId:
    """The upload id in ``text``, or ``Invalid``."""
    return UploadId(_parse_prefixed(text, "up", "upload_id"))


def parse_dataset_name(text: str) -> DatasetName:
    """A name of 1 to 256 characters, NFC-normalised, without control characters or outer space,
    that cannot be taken for a dataset's id."""
    name = unicodedata.normalize("NFC", text)
    if not 1 <= len(name) <= DATASET_NAME_CHARS_MAX:
        raise Invalid(
            f"a dataset name has 1 to {DATASET_NAME_CHARS_MAX} characters, this has {len(name)}",
            field="name",
        )
    if name != name.strip() or any(unicodedata.category(char) in {"Cc", "Cs"} for char in name):
        raise Invalid(
            "a dataset name has no control characters and no space at its ends", field="name"
        )
    if re.fullmatch(f"ds_{_UUID}", name):
        raise Invalid("a dataset name does not look like a dataset's id", field="name")
    return DatasetName(name)


def parse_branch_name(text: str, *, field: str = "branch") -> BranchName:
    """A name of 1 to 128 of ``A-Z a-z 0-9 . _ - /`` that cannot be taken for a commit id."""
    return BranchName(_parse_ref_name(text, "a branch name", field))


def parse_tag_name(text: str, *, field: str = "tag") -> TagName:
    """A name by the rules of branches."""
    return TagName(_parse_ref_name(text, "a tag name", field))


def is_commit_ref(text: str) -> bool:
    """Whether ``text`` has the form of a commit id or of a prefix of one."""
    return bool(_COMMIT.fullmatch(text))


def parse_record_id(text: str, *, field: str = "id") -> RecordId:
    """A record id: 1 to 512 bytes of UTF-8, any characters but NUL and lone surrogates."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise Invalid("a record id cannot hold a lone surrogate", field=field) from None
    if not 1 <= size <= RECORD_ID_BYTES_MAX:
        raise Invalid(
            f"a record id has 1 to {RECORD_ID_BYTES_MAX} bytes of UTF-8, this has {size}",
            field=field,
        )
    if "\0" in text:
        raise Invalid("a record id cannot hold NUL", field=field)
    return RecordId(text)


def parse_request_id(text: str) -> RequestId:
    """An idempotency key: 1 to 128 visible ASCII characters."""
    if not _REQUEST.fullmatch(text):
        raise Invalid(
            f"an idempotency key is 1 to {REQUEST_ID_CHARS_MAX} visible ASCII characters",
            field="Idempotency-Key",
        )
    return RequestId(text)


def _parse_ref_name(text: str, what: str, field: str) -> str:
    if not 1 <= len(text) <= BRANCH_NAME_CHARS_MAX:
        raise Invalid(
            f"{what} has 1 to {BRANCH_NAME_CHARS_MAX} characters, this has {len(text)}",
            field=field,
        )
    if not _BRANCH.fullmatch(text) or ".." in text or text.endswith((".", ".lock")):
        raise Invalid(
            f"{what} is made of letters, digits and . _ - /, starts with a letter or digit,"
            " and has no '..', no empty part, no '.' or '.lock' at its end",
            field=field,
        )
    if is_commit_ref(text):
        raise Invalid(f"{what} cannot look like a commit id (8 to 64 hex)", field=field)
    return text


def _parse_prefixed(text: str, prefix: str, field: str) -> str:
    if not re.fullmatch(f"{prefix}_{_UUID}", text):
        raise Invalid(f"{field} has the form {prefix}_<UUIDv7>", field=field)
    return text
