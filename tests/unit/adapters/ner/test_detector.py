"""The names model that is shipped: what it finds, and that a text's spans are its own."""

import random
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datavault.adapters.ner import detector as detectors
from datavault.adapters.ner.detector import NamesDetector
from datavault.adapters.ner.model import names_model
from datavault.adapters.ner.networks import ROW_PIECES
from datavault.adapters.ner.scripts import never_names
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.tiers import Tier

PERSON, LOCATION = Entity.PERSON, Entity.LOCATION
ORGANIZATION, ADDRESS = Entity.ORGANIZATION, Entity.STREET_ADDRESS

# Made up for this test: what each text names, in order.
FINDINGS: list[tuple[str, list[tuple[Entity, str]]]] = [
    (
        "My name is Katarina Holmgren and I live in Utrecht.",
        [(PERSON, "Katarina Holmgren"), (LOCATION, "Utrecht")],
    ),
    (
        "hi, this is marcus, can you move my flight to lisbon?",
        [(PERSON, "marcus"), (LOCATION, "lisbon")],
    ),
    (
        "Please ship it to 4812 Willow Creek Road, Boise, ID 83702.",
        [(ADDRESS, "4812 Willow Creek Road, Boise, ID 83702")],
    ),
    (
        '{"name": "Fatima Belkacem", "city": "Lyon"}',
        [(PERSON, "Fatima Belkacem"), (LOCATION, "Lyon")],
    ),
    ("Sehr geehrter Herr Obermüller,\nvielen Dank für Ihre Nachricht.", [(PERSON, "Obermüller")]),
    ("El señor Ibáñez vive en Zaragoza.", [(PERSON, "Ibáñez"), (LOCATION, "Zaragoza")]),
    ("katarina holmgren", [(PERSON, "katarina holmgren")]),
    ("anna", [(PERSON, "anna")]),
    ("Signed-off-by: Tomasz Wilk <twilk@example.org>", [(PERSON, "Tomasz Wilk")]),
]
# And as many that name nobody.
NOTHING = [
    "",
    "   \n\t ",
    "Will you be there in May? Mark the date.",
    "def get_total(self, rows: list[int]) -> int:",
    "2026-03-01 12:00:01 INFO server started on port 8080",
    "How do I sort a list in Python?",
    "The invoice is due on Friday.",
    "¿Cómo puedo cambiar mi contraseña?",
    "😂😂😂",
    # Keys and cells.
    *("text", "args", "metadata", "branch", "logger", "created_at", "price"),
]


@pytest.fixture(scope="module")
def detector() -> NamesDetector:
    return NamesDetector()


@pytest.fixture(scope="module", params=[Tier.FAST, Tier.THOROUGH])
def each_tier(request: pytest.FixtureRequest) -> NamesDetector:
    return NamesDetector(names_model(request.param))


@pytest.mark.parametrize(("text", "expected"), FINDINGS)
def test_names_are_found(
    each_tier: NamesDetector, text: str, expected: list[tuple[Entity, str]]
) -> None:
    (spans,) = each_tier.detect([text])
    assert [(span.entity, text[span.start : span.end]) for span in spans] == expected


@pytest.mark.parametrize("text", NOTHING)
def test_nothing_is_found_where_nobody_is_named(each_tier: NamesDetector, text: str) -> None:
    assert each_tier.detect([text]) == [()]


def test_a_long_text_is_read_to_its_end_by_the_larger_network_too() -> None:
    filler = "the quick brown fox jumps over a lazy dog . "
    text = filler * 100 + FINDINGS[0][0]
    (spans,) = NamesDetector(names_model(Tier.THOROUGH)).detect([text])
    assert text[spans[-2].start : spans[-2].end] == "Katarina Holmgren"


@pytest.mark.parametrize(
    "before",
    ["😀👩‍👩‍👧‍👦 ", "שלום ", "مرحبا ", "e\u0301e\u0301 ", "１２３ ", "\ud800 ", "\x00\u200b "],
    ids=["emoji", "hebrew", "arabic", "combining", "full-width", "lone surrogate", "controls"],
)
def test_offsets_count_code_points(detector: NamesDetector, before: str) -> None:
    text = f"{before}Please write to Katarina Holmgren today."
    (spans,) = detector.detect([text])
    start = text.index("Katarina")
    assert (start, start + len("Katarina Holmgren")) in [(span.start, span.end) for span in spans]


def test_a_zero_width_space_within_a_name_hides_nothing(detector: NamesDetector) -> None:
    text = "My name is Kata\u200brina Holm\u200bgren and I live in Utrecht."
    (spans,) = detector.detect([text])
    assert "Kata\u200brina Holm\u200bgren" in [text[span.start : span.end] for span in spans]


def test_what_is_found_in_a_text_does_not_depend_on_the_texts_beside_it(
    detector: NamesDetector,
) -> None:
    texts = [text for text, _ in FINDINGS] * 40 + NOTHING * 10
    texts.append(" ".join(text for text, _ in FINDINGS) * 20)
    alone = {text: detector.detect([text])[0] for text in set(texts)}
    shuffled = random.Random(3)
    for _ in range(3):
        shuffled.shuffle(texts)
        assert detector.detect(texts) == [alone[text] for text in texts]


def test_threads_find_what_one_thread_finds(detector: NamesDetector) -> None:
    texts = [text for text, _ in FINDINGS] * 10
    expected = detector.detect(texts)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(detector.detect, [texts] * 8)) == [expected] * 8


def test_where_a_long_text_is_cut_changes_nothing(detector: NamesDetector) -> None:
    """A text over many rows has, in each place, what the part around it has by itself."""
    filler = "the table was cold and nobody said a word about it . "
    text, _ = FINDINGS[0]
    for shift in range(0, ROW_PIECES, 37):
        before = "a " * shift + filler * 30
        long = before + text + " " + filler * 60
        near = [span for span in detector.detect([long])[0] if span.start >= len(before)]
        around = filler * 3
        alone = detector.detect([around + text + " " + filler * 3])[0]
        assert [(span.start - len(before), span.score) for span in near] == [
            (span.start - len(around), span.score) for span in alone
        ]


@pytest.mark.parametrize("space", [" ", "_"])
def test_a_text_that_is_read_in_sections_loses_nothing_where_it_is_cut(
    detector: NamesDetector, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = space.join(f"My name is Katarina Holmgren, number {row}." for row in range(60))
    (whole,) = detector.detect([text])
    monkeypatch.setattr(detectors, "SECTION_CHARACTERS", 300)
    monkeypatch.setattr(detectors, "BESIDE_CHARACTERS", 200)
    short, cut = detector.detect([FINDINGS[0][0], text])
    assert len(short) == 2
    names = [(each.start, each.end) for each in cut if each.entity is PERSON]
    assert names == [(each.start, each.end) for each in whole if each.entity is PERSON]
    assert len(names) == 60


def test_a_text_of_a_megabyte_is_read_to_its_end(detector: NamesDetector) -> None:
    filler = "the quick brown fox jumps over a lazy dog . " * 23_000
    assert len(filler) > 2 * detectors.SECTION_CHARACTERS
    text = f"{filler}\nMy name is Katarina Holmgren and I live in Utrecht."
    (spans,) = detector.detect([text])
    assert "Katarina Holmgren" in [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize("unit", ["a", "é", "1", "\u0301", "漢", "-", "\ud800", "\x00"])
def test_twenty_thousand_characters_without_a_space_are_read(
    detector: NamesDetector, unit: str
) -> None:
    (spans,) = detector.detect([unit * 20_000])
    assert all(0 <= span.start < span.end <= 20_000 for span in spans)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(max_size=300), max_size=5))
def test_spans_are_apart_in_order_and_within_the_text(texts: list[str]) -> None:
    results = NamesDetector().detect(texts)
    assert len(results) == len(texts)
    for text, spans in zip(texts, results, strict=True):
        bounds = [0, *(bound for span in spans for bound in (span.start, span.end)), len(text)]
        assert bounds == sorted(bounds)
        assert all(any(map(str.isalnum, text[span.start : span.end])) for span in spans)
        assert all(0 < span.score <= 1 for span in spans)


def test_nothing_is_asked_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    assert NamesDetector().detect([FINDINGS[0][0]])[0]


@pytest.mark.parametrize(
    "text",
    [
        "東京都千代田区にお住まいの方は窓口までお越しください。",
        "我们昨天在图书馆见了面，讨论了新的计划。",
        "내일 오후에 회의실에서 만나서 이야기합시다.",
        "نلتقي غدا في المكتبة لمناقشة الخطة الجديدة.",
        "हम कल पुस्तकालय में मिलेंगे और योजना पर बात करेंगे।",
        "Встретимся завтра у входа в библиотеку.",
        "Θα συναντηθούμε αύριο στη βιβλιοθήκη.",
        "Mr. is a title, and so is Dr.",
        "CPF: 529.982.247-25, BSN 111222333, NHS 943 476 5919",
    ],
)
def test_other_scripts_titles_and_labels_are_nobody(text: str) -> None:
    assert NamesDetector().detect([text]) == [()]


def test_a_name_in_latin_letters_is_found_beside_another_script() -> None:
    text = "担当者: Katarina Holmgren です。"
    (spans,) = NamesDetector().detect([text])
    assert any("Katarina Holmgren" in text[each.start : each.end] for each in spans)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Łukasz Žižka", False),
        ("Nguyễn Thị Hạnh", False),
        ("Ｋａｔａｒｉｎａ", False),
        ("Özgür", False),
        ("Анна", True),
        ("Αννα", True),
        ("田中 Ken", False),
        ("田中太郎 Ken", True),
        ("Mr.", True),
        ("Mr. Ibáñez", False),
        ("Pin", False),
        ("IBM", False),
    ],
)
def test_what_never_names_anybody(value: str, *, expected: bool) -> None:
    assert never_names(value) is expected
