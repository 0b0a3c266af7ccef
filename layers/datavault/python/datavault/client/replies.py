"""Answers as the contracts' reply models, with records that have their own text beside them."""

import json
from collections.abc import Hashable
from functools import cache
from importlib import import_module
from typing import cast, get_args

import msgspec
from pydantic import BaseModel

from datavault.client.errors import ForeignReply
from datavault.client.messages import JSON, NDJSON, Answer, Lines
from datavault.client.routes import Route
from datavault.contracts.records import RecordText


def reply_of[Reply](route: Route[Reply], answer: Answer) -> Reply:
    """What the call gives.

    Raises:
        ForeignReply: it is not what the operation answers.
    """
    if route.returns == NDJSON:
        _require(answer, NDJSON)
        return cast(Reply, Lines(answer.content, answer.headers.get("x-next-cursor")))
    if route.returns != JSON:
        return cast(Reply, answer.content.decode())
    if answer.status == 204 or not answer.content:
        return cast(Reply, None)
    _require(answer, JSON)
    try:
        if route.reply is None:
            return cast(Reply, json.loads(answer.content))
        model = _model(route.reply)
        parsed = model.model_validate_json(answer.content)
        if _holds_records(model):
            _keep_texts(parsed, msgspec.Raw(answer.content))
        return cast(Reply, parsed)
    except ValueError:
        # pydantic's ``ValidationError`` is one of these.
        pass
    # Outside the ``except``: pydantic quotes what it could not read.
    raise ForeignReply(answer.status, answer.media_type, len(answer.content))


def _require(answer: Answer, media_type: str) -> None:
    # A body without a record has no type: API Gateway drops what is empty.
    if answer.content and answer.media_type != media_type:
        raise ForeignReply(answer.status, answer.media_type, len(answer.content))


def _model(reference: str) -> type[BaseModel]:
    module, _, name = reference.partition(":")
    model = getattr(import_module(module), name)
    assert issubclass(model, BaseModel), f"{reference} is a reply model"
    return cast(type[BaseModel], model)


@cache
def _holds_records(annotation: Hashable) -> bool:
    """Whether a value of this type may have records in it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.values()
        held = (cast(Hashable, each.annotation) for each in fields)
        return issubclass(annotation, RecordText) or any(map(_holds_records, held))
    return any(_holds_records(each) for each in get_args(annotation))


def _keep_texts(value: object, raw: msgspec.Raw) -> None:
    """Give each record in a parsed reply its own text, cut out of the reply's.

    A parser gives back other spellings of numbers, spaces and escapes than it was given.
    """
    match value:
        case RecordText():
            text = bytes(_MEMBERS.decode(raw)["data"])
            value.keep_text(b"" if text == b"null" else text)
        case BaseModel():
            members = _MEMBERS.decode(raw)
            for name, field in type(value).model_fields.items():
                if (
                    _holds_records(cast(Hashable, field.annotation))
                    and (alias := field.alias or name) in members
                ):
                    _keep_texts(getattr(value, name), members[alias])
        case list():
            for each, text in zip(value, _ITEMS.decode(raw), strict=True):
                _keep_texts(each, text)
        case dict():
            members = _MEMBERS.decode(raw)
            for name, each in value.items():
                _keep_texts(each, members[name])


_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
