"""What counts as a name in the GUM corpus, of which the model card has figures."""

from pathlib import Path

import pytest

from layers.privacy.train.gum import web_sentences

GENRE = "# newdoc id = {genre}\n# meta::genre = {genre}\n"


def sentence(text: str, *rows: str) -> str:
    """Of ``form tag head relation [entities]``, as GUM writes a sentence."""
    lines = [f"# sent_id = one\n# text = {text}"]
    for number, row in enumerate(rows, 1):
        form, tag, head, relation, *entities = row.split()
        more = f"Discourse=x|Entity={entities[0]}|SpaceAfter=No" if entities else "_"
        lines.append(f"{number}\t{form}\t_\t_\t{tag}\t_\t{head}\t{relation}\t_\t{more}")
    return "\n".join(lines) + "\n\n"


def read(
    tmp_path: Path, *sentences: str, genre: str = "news"
) -> list[list[tuple[str, str | None]]]:
    path = tmp_path / "gum_web.conllu"
    path.write_text(GENRE.format(genre=genre) + "".join(sentences))
    return [
        [(text[start:end], entity) for start, end, entity in spans]
        for text, spans in web_sentences(path)
    ]


PRESIDENT = sentence(
    "U.S. President Anna Li's visit",
    "U.S. NNP 2 compound (1-person-new-sssss-cf1-1-coref(2-place-new-s-cf2-1-sgl-U.S.)",
    "President NNP 3 nmod:desc",
    "Anna NNP 6 nmod:poss",
    "Li NNP 3 flat",
    "'s POS 3 case 1)",
    "visit NN 0 root",
)
UNIVERSITY = sentence(
    "the University of Oslo in Norway.",
    "the DT 2 det (3-organization-new-s-cf1-2,4-sgl",
    "University NNP 0 root",
    "of IN 4 case",
    "Oslo NNP 2 nmod (4-place-new-s-cf2-1-sgl)",
    "in IN 6 case",
    "Norway NNP 2 nmod (5-place-new-s-cf3-1-sgl)3)",
    ". . 2 punct",
)


def test_a_title_and_what_stands_behind_a_name_are_no_part_of_it(tmp_path: Path) -> None:
    assert read(tmp_path, PRESIDENT) == [[("U.S.", "LOCATION"), ("Anna Li", "PERSON")]]


def test_of_names_within_one_another_the_longest_counts(tmp_path: Path) -> None:
    found = [("University of Oslo", "ORGANIZATION"), ("Norway", "LOCATION")]
    assert read(tmp_path, UNIVERSITY) == [found]


def test_of_two_joined_names_each_counts(tmp_path: Path) -> None:
    both = sentence(
        "Ann and Bo",
        "Ann NNP 0 root (1-person-new-s-cf1-1-sgl(2-person-new-s-cf1-1-sgl)",
        "and CC 3 cc",
        "Bo NNP 1 conj (3-person-new-s-cf1-1-sgl)1)",
    )
    assert read(tmp_path, both) == [[("Ann", "PERSON"), ("Bo", "PERSON")]]


@pytest.mark.parametrize(
    ("text", "rows", "ignored"),
    [
        ("an American", ("an DT 2 det (1-person-new-s-cf1-2-sgl", "American NNP 0 root 1)"), 1),
        ("Greeks", ("Greeks NNPS 0 root (1-person-new-s-cf1-1-sgl)",), 1),
        ("Mother", ("Mother NNP 0 root (1-person-new-s-cf1-1-sgl)",), 1),
        ("Rex", ("Rex NNP 0 root (1-animal-new-s-cf1-1-sgl)",), 1),
        (
            "Obama team",
            ("Obama NNP 2 compound (1-organization-new-s-cf1-1-sgl", "team NN 0 root 1)"),
            1,
        ),
        ("the mayor", ("the DT 2 det (1-person-new-s-cf1-2-sgl", "mayor NN 0 root 1)"), 0),
        ("May", ("May NNP 0 root (1-time-new-s-cf1-1-sgl)",), 0),
    ],
)
def test_what_is_no_name_is_not_asked_for(
    tmp_path: Path, text: str, rows: tuple[str, ...], ignored: int
) -> None:
    (found,) = read(tmp_path, sentence(text, *rows))
    assert [entity for _, entity in found] == [None] * ignored


def test_a_team_by_the_name_of_a_place_is_not_asked_for(tmp_path: Path) -> None:
    team = sentence(
        "Norway won", "Norway NNP 2 nsubj (9-organization-new-s-cf1-1-sgl)", "won VBD 0 root"
    )
    assert read(tmp_path, team, UNIVERSITY)[0] == [("Norway", None)]
    assert read(tmp_path, team) == [[("Norway", "ORGANIZATION")]]


def test_what_is_not_asked_for_gives_way_to_a_name_beside_it(tmp_path: Path) -> None:
    beside = sentence(
        "Greeks Ann",
        "Greeks NNPS 0 root (1-person-new-s-cf1-1-sgl)",
        "Ann NNP 1 dep (2-person-new-s-cf1-1-sgl)",
    )
    assert read(tmp_path, beside) == [[("Ann", "PERSON")]]


def test_other_genres_are_left_out(tmp_path: Path) -> None:
    assert read(tmp_path, UNIVERSITY, genre="fiction") == []


@pytest.mark.parametrize(
    ("text", "row", "said"),
    [
        ("Bo", "Ann NNP 0 root", "one: word 1 is not where the text has it"),
        ("Ann", "Ann NNP 0 root (1-person-new-s-cf1-1-sgl", "one: a mention does not end"),
        ("Ann", "Ann NNP 0 root 1)", "one: a mention ends that did not begin"),
        ("Ann", "Ann NNP 1 dep (1-person-new-s-cf1-1-sgl)", "one: a mention has no head"),
        ("Ann", "Ann NNP 2 dep", "one: word 1 depends on no word of the sentence"),
    ],
)
def test_a_broken_table_is_told_by_its_sentence(
    tmp_path: Path, text: str, row: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        read(tmp_path, sentence(text, row))
