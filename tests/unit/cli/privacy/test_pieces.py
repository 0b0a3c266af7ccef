"""Inputs in pieces: nothing is lost or twice, no character cut; and any bytes are answered."""

import io

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.cli.main import cli
from datavault.cli.privacy import pieces
from datavault.cli.privacy.contents import PLAIN, Content
from datavault.cli.privacy.found import Spot
from datavault.cli.privacy.inputs import Form

WORDS = st.sampled_from(
    ["\n", "\n\n", "\r\n", " ", '"', ";", "é", "\U0001f600", "word", "-----BEGIN ", "-----END "]
)
CUT = [each for each in Form if each not in {Form.TABLE, Form.LEAVES, Form.DOCUMENT}]
NASTY = st.sampled_from(
    [b"\n", b'{"id":1,"text":"', b'"}', b"\xff", b"\xe2\x82", b"\0", b"jo@x.org"]
)


def cut(content: bytes, form: Form, head_bytes: int) -> list[tuple[bytes, int, int]]:
    file = io.BytesIO(content)
    read = Content(file.read(head_bytes), file, PLAIN)
    return list(pieces._Cutter(read, form, guessed=True).pieces())


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=60), st.sampled_from(CUT), st.integers(1, 40))
def test_pieces_are_the_input_and_cut_no_character(
    words: list[str], form: Form, head_bytes: int
) -> None:
    content = "".join(words).encode()
    with pytest.MonkeyPatch.context() as smaller:
        for name, size in (("PIECE", 32), ("AFTER", 16), ("BEFORE", 8), ("LINE", 128)):
            smaller.setattr(pieces, f"{name}_BYTES{'_MAX' * (name == 'LINE')}", size)
        try:
            found = cut(content, form, head_bytes)
        except pieces._TooLong:
            assert form is Form.PASSAGES, "what is only looked at is cut in the end"
            assert len(content) > 128
            return
        assert found == cut(content, form, 8192)
    assert b"".join(piece[start:end] for piece, start, end in found) == content
    for piece, start, end in found:
        for part in (piece[:start], piece[start:end], piece[end:]):
            part.decode()
        assert (start, end) == (0, len(piece)) or form is Form.TEXT


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(NASTY, st.binary(max_size=8)), max_size=12).map(b"".join),
    st.sampled_from(["auto", "text", "jsonl", "json", "csv"]),
    st.sampled_from(["summary", "jsonl", "sarif"]),
)
def test_any_bytes_are_answered_or_refused_in_words(content: bytes, form: str, report: str) -> None:
    words = ["scan", "--tier", "patterns", "--format", form, "--output", report]
    done = CliRunner().invoke(cli, words, input=content)
    assert done.exit_code in ({0, 2} if form in {"jsonl", "json"} else {0}), done.output
    if done.exit_code:
        assert "invalid: stdin, line " in done.stderr


def test_a_line_that_is_too_long_is_refused_where_lines_were_promised() -> None:
    with pytest.MonkeyPatch.context() as smaller:
        smaller.setattr(pieces, "PIECE_BYTES", 32)
        smaller.setattr(pieces, "LINE_BYTES_MAX", 128)
        done = CliRunner().invoke(
            cli, ["scan", "--format", "jsonl"], input=b'{"id":1,"text":""}\n{"id":"' + b"x" * 300
        )
    assert (done.exit_code, done.stdout) == (2, '{"id":1,"spans":[]}\n')
    assert "stdin, line 2: a line has at most 128 bytes, this has more" in done.stderr


def test_a_spot_is_counted_on_from_another() -> None:
    assert Spot(1, 5).behind(Spot(3, 7)) == Spot(3, 11)
    assert Spot(2, 5).behind(Spot(3, 7)) == Spot(4, 5)
