"""Microsoft Presidio's recognisers by pattern, set up with care, without a language model.

Its engine runs whole, with the words around that raise a score; only the recognisers of names and
places are missing, which need a model that is downloaded. Korean text is cut at blanks and signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    IpRecognizer,
    KrBrnRecognizer,
    KrDriverLicenseRecognizer,
    KrFrnRecognizer,
    KrPassportRecognizer,
    KrRrnRecognizer,
    PhoneRecognizer,
    UsBankRecognizer,
    UsLicenseRecognizer,
    UsPassportRecognizer,
    UsSsnRecognizer,
)

from assistant.guardrails.checks.finding import Finding

_KINDS = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip_address",
    "US_BANK_NUMBER": "bank_account",
    "US_DRIVER_LICENSE": "driving_licence",
    "US_PASSPORT": "passport",
    "US_SSN": "us_social_security_number",
    "KR_RRN": "kr_resident_number",
    "KR_FRN": "kr_foreigner_number",
    "KR_BRN": "kr_business_number",
    "KR_DRIVER_LICENSE": "driving_licence",
    "KR_PASSPORT": "passport",
}
_EVERYWHERE = (CreditCardRecognizer, EmailRecognizer, IbanRecognizer, IpRecognizer)
_ENGLISH = (UsBankRecognizer, UsLicenseRecognizer, UsPassportRecognizer, UsSsnRecognizer)
_KOREAN = (
    KrBrnRecognizer,
    KrDriverLicenseRecognizer,
    KrFrnRecognizer,
    KrPassportRecognizer,
    KrRrnRecognizer,
)
_REGIONS = ("US", "GB", "DE", "FR", "IL", "IN", "CA", "BR")  # its own default


class _WordsOnly(NlpEngine):  # type: ignore[misc]
    """Tokens without a model: each word is its own lemma."""

    def __init__(self) -> None:
        self._cutters = {"en": spacy.blank("en"), "ko": spacy.blank("xx")}

    def load(self) -> None:
        """Nothing to load."""

    def is_loaded(self) -> bool:
        """Always."""
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """Words with their places."""
        tokens = self._cutters[language](text)
        return NlpArtifacts(
            entities=[],
            tokens=tokens,
            tokens_indices=[token.idx for token in tokens],
            lemmas=[token.lower_ for token in tokens],
            nlp_engine=self,
            language=language,
        )

    def process_batch(
        self,
        texts: Iterable[str],
        language: str,
        **_: Any,
    ) -> Iterator[tuple[str, NlpArtifacts]]:
        """One text after another."""
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word: str, language: str) -> bool:
        """By the list of the language."""
        return bool(self._cutters[language].vocab[word].is_stop)

    def is_punct(self, word: str, language: str) -> bool:
        """By the signs of the word."""
        return bool(self._cutters[language].vocab[word].is_punct)

    def get_supported_entities(self) -> list[str]:
        """None: there is no model."""
        return []

    def get_supported_languages(self) -> list[str]:
        """The two that are measured."""
        return ["en", "ko"]


class Presidio:
    """`threshold` leaves out what is less sure; its documentation advises none, its samples take 0.4."""

    def __init__(self, threshold: float) -> None:
        recognizers = [
            *(kind(supported_language=language) for kind in _EVERYWHERE for language in ("en", "ko")),
            *(kind(supported_language="en") for kind in _ENGLISH),
            *(kind(supported_language="ko") for kind in _KOREAN),
            PhoneRecognizer(supported_language="en", supported_regions=_REGIONS),
            PhoneRecognizer(supported_language="ko", supported_regions=("KR", *_REGIONS)),
        ]
        self._engine = AnalyzerEngine(
            registry=RecognizerRegistry(recognizers, supported_languages=["en", "ko"]),
            nlp_engine=_WordsOnly(),
            supported_languages=["en", "ko"],
            default_score_threshold=threshold,
        )

    def findings(self, text: str, language: str) -> list[Finding]:
        """What it finds of our kinds, with its own scores; overlapping ones stay."""
        return [
            Finding(_KINDS[result.entity_type], result.start, result.end, min(1.0, result.score))
            for result in self._engine.analyze(text, language=language)
            if result.entity_type in _KINDS
        ]
