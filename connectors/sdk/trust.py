"""Whose certificates count: those of the system's authorities, or of the administrator's own."""

from __future__ import annotations

from connectors.sdk.contract import ConfigField, FieldType

CA_FILE_FIELD = ConfigField(
    "ca_file",
    FieldType.PATH,
    label={"en": "Certificate authorities", "ko": "인증 기관 파일"},
    help={
        "en": "A file of certificates (PEM) of the authorities to trust instead of the system's, as the "
        "worker sees it.",
        "ko": "시스템의 인증 기관 대신 신뢰할 인증 기관의 인증서 파일(PEM)입니다. 작업 서버에서 보이는 절대 "
        "경로를 적어 주세요.",
    },
    advanced=True,
)
