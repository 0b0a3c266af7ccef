"""A detector as a recognizer of Presidio's, and a recognizer of Presidio's as a detector."""

from collections.abc import Iterable, Sequence

from datavault.adapters.presidio.analyzer import (
    NO_ARTIFACTS,
    EntityRecognizer,
    RecognizerResult,
    presidio_analyzer,
)
from datavault.domain.errors import Invalid
from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.overlaps import resolve
from datavault.domain.privacy.spans import Span
from datavault.privacy_ports import Detector

# What results say of who recognized them.
NAME = "DataVault"


class DetectorRecognizer(EntityRecognizer):
    """Plugs a detector into a registry of Presidio's, for one language.

    What it finds does not depend on the language: Presidio asks the recognizers of one only.
    """

    def __init__(
        self, detector: Detector, entities: Iterable[Entity], *, language: str = "en"
    ) -> None:
        self._detector = detector
        super().__init__(
            supported_entities=sorted(entity.value for entity in entities),
            supported_language=language,
            name=NAME,
        )

    def load(self) -> None:
        """Nothing: the detector is ready."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: object = None
    ) -> list[RecognizerResult]:
        """What the detector finds of ``entities``, all if empty; ``nlp_artifacts`` is not read."""
        return [
            RecognizerResult(
                entity_type=span.entity.value,
                start=span.start,
                end=span.end,
                score=span.score,
                recognition_metadata={
                    RecognizerResult.RECOGNIZER_NAME_KEY: NAME,
                    RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
                },
            )
            for span in self._detector.detect([text])[0]
            if not entities or span.entity.value in entities
        ]


def analyzer_engine(
    detector: Detector, entities: Iterable[Entity], *, languages: Sequence[str] = ("en",)
) -> presidio_analyzer.AnalyzerEngine:
    """Presidio's engine, in which the detector recognizes for each language; it has no NLP model.

    More recognizers go into its ``registry``; those that read NLP artifacts find nothing.
    """
    wanted = tuple(entities)
    registry = presidio_analyzer.RecognizerRegistry(
        [DetectorRecognizer(detector, wanted, language=each) for each in languages],
        supported_languages=list(languages),
    )
    models = [{"lang_code": each, "model_name": "none"} for each in languages]
    return presidio_analyzer.AnalyzerEngine(
        registry,
        presidio_analyzer.nlp_engine.NoOpNlpEngine(models),
        supported_languages=list(languages),
    )


class RecognizerDetector:
    """Plugs a recognizer of Presidio's, such as a user's ``PatternRecognizer``, in as a detector.

    It is as fast, as linear and as silent as the recognizer is. It is given no NLP artifacts.

    Raises:
        Invalid: the recognizer finds an entity that is none of ``Entity``.
    """

    def __init__(self, recognizer: EntityRecognizer) -> None:
        self._recognizer = recognizer
        known = {entity.value for entity in Entity}
        for name in recognizer.supported_entities:
            if name not in known:
                raise Invalid("a recognizer finds an unknown entity", field="supported_entities")

    def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return [resolve(self._found(text)) for text in texts]

    def _found(self, text: str) -> list[Span]:
        recognizer = self._recognizer
        results = recognizer.analyze(text, recognizer.supported_entities, NO_ARTIFACTS) or ()
        return [
            Span(each.start, each.end, Entity(each.entity_type), each.score, "presidio")
            for each in results
            if each.start < each.end
        ]
