"""A piece examined, in whichever process, by the form in which it is read."""

from collections.abc import Callable
from dataclasses import dataclass

from datavault.cli.privacy.corpus import answer_corpus
from datavault.cli.privacy.found import START, Examined, Told
from datavault.cli.privacy.inputs import Form
from datavault.cli.privacy.json_lines import examine_document, examine_records
from datavault.cli.privacy.pieces import Piece
from datavault.cli.privacy.rows import examine_rows
from datavault.cli.privacy.search import Search
from datavault.cli.privacy.texts import examine_text

_BY_FORM: dict[Form, Callable[[Piece, Search], Examined]] = {
    Form.TEXT: examine_text,
    Form.RECORDS: examine_records,
    Form.LEAVES: examine_document,
    Form.ROWS: examine_rows,
    Form.CORPUS: answer_corpus,
}


@dataclass(frozen=True, slots=True)
class Examiner:
    """Examines pieces for a search."""

    search: Search

    def __call__(self, piece: Piece) -> Examined:
        if piece.unread:
            refused = Told(1, piece.unread) if piece.is_fatal else None
            return Examined(piece.input, 0, START, 0, refused=refused, unread=piece.unread)
        return _BY_FORM[piece.form](piece, self.search)
