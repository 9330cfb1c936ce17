"""The kind `s3`: its settings and how to make one."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.common.types import JsonObject
from connectors.sdk.audience import EVERYONE_LABEL
from connectors.sdk.contract import ConfigField, Connector, ConnectorKind, FieldType
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.trust import CA_FILE_FIELD
from connectors.sources.s3.bucket import Place
from connectors.sources.s3.connector import S3Connector
from connectors.sources.s3.rules import Permissions


def build(config: JsonObject, secrets: Mapping[str, str], surroundings: Surroundings) -> Connector:
    """The connector of a validated configuration."""
    place = Place(
        bucket=str(config["bucket"]),
        access_key_id=str(config["access_key_id"]),
        secret_access_key=secrets["secret_access_key"],
        endpoint=str(config.get("endpoint", "")),
        region=str(config.get("region", "")),
        owner=str(config.get("bucket_owner", "")),
        ca_file=str(config.get("ca_file", "")),
    )
    permissions = Permissions(
        access_file=str(config.get("access_file", "")),
        groups_file=str(config.get("groups_file", "")),
        everyone=config.get("audience") == "everyone",
        companions_open=config.get("companions_open") is True,
    )
    return S3Connector(place, permissions, surroundings, prefix=str(config.get("prefix", "")))


_WHERE = (
    ConfigField(
        "bucket",
        FieldType.TEXT,
        required=True,
        label={"en": "Bucket", "ko": "버킷"},
        help={"en": "The name of the bucket.", "ko": "버킷 이름입니다."},
        example="company-docs",
    ),
    ConfigField(
        "prefix",
        FieldType.TEXT,
        label={"en": "Prefix", "ko": "접두사"},
        help={
            "en": "Only keys that start like this are read. End a folder with /.",
            "ko": "이 문자열로 시작하는 키만 읽습니다. 폴더는 /로 끝내 주세요.",
        },
        example="handbook/",
    ),
    ConfigField(
        "endpoint",
        FieldType.URL,
        label={"en": "Endpoint", "ko": "엔드포인트"},
        help={
            "en": "The address of a store that is not Amazon's, such as MinIO or Ceph.",
            "ko": "MinIO나 Ceph처럼 Amazon이 아닌 저장소를 쓸 때 그 주소를 적어 주세요.",
        },
        example="https://minio.example.com",
    ),
    ConfigField(
        "region",
        FieldType.TEXT,
        label={"en": "Region", "ko": "리전"},
        help={
            "en": "The region of the bucket; us-east-1 where none is given.",
            "ko": "버킷이 있는 리전입니다. 비워 두면 us-east-1을 씁니다.",
        },
        example="ap-northeast-2",
    ),
    ConfigField(
        "access_key_id",
        FieldType.TEXT,
        required=True,
        label={"en": "Access key id", "ko": "액세스 키 ID"},
        help={
            "en": "Of an account that may list the bucket and read its objects.",
            "ko": "버킷 목록을 보고 객체를 읽을 수 있는 계정의 액세스 키 ID입니다.",
        },
    ),
    ConfigField(
        "secret_access_key",
        FieldType.SECRET,
        required=True,
        label={"en": "Secret access key", "ko": "비밀 액세스 키"},
        help={"en": "The secret of that access key.", "ko": "위 액세스 키의 비밀 키입니다."},
    ),
)

_WHO = (
    ConfigField(
        "access_file",
        FieldType.TEXT,
        label={"en": "Access file", "ko": "접근 권한 파일"},
        help={
            "en": "The key of the file in the bucket that says who may see which prefix, in the shape of "
            "Amazon's S3 connectors. What it does not cover, nobody sees.",
            "ko": "접두사별로 누가 볼 수 있는지 적은 파일의 키입니다(Amazon S3 커넥터와 같은 형식). "
            "이 파일에 없는 문서는 아무도 볼 수 없습니다.",
        },
        example="access.json",
    ),
    ConfigField(
        "groups_file",
        FieldType.TEXT,
        label={"en": "Groups file", "ko": "그룹 파일"},
        help={
            "en": "The key of the file with the members of the groups that the access file names.",
            "ko": "접근 권한 파일에 나오는 그룹의 구성원을 적은 파일의 키입니다.",
        },
        example="groups.json",
    ),
    ConfigField(
        "audience",
        FieldType.CHOICE,
        choices=("everyone",),
        choice_labels=EVERYONE_LABEL,
        label={"en": "Readable by", "ko": "공개 대상"},
        help={
            "en": "Opens what no access entry covers to whoever can sign in.",
            "ko": "접근 권한이 따로 정해지지 않은 문서를 누가 볼지 정합니다. "
            "비워 두면 아무도 볼 수 없습니다.",
        },
    ),
    ConfigField(
        "companions_open",
        FieldType.SWITCH,
        label={"en": "Metadata files may grant access", "ko": "메타데이터 파일로 권한 부여"},
        help={
            "en": "On: the access list in KEY.metadata.json counts by itself where no prefix covers the "
            "object, so whoever may write into the bucket may grant. Off: such lists can only narrow.",
            "ko": "켜면 접근 권한 파일에 없는 객체도 '키.metadata.json'에 적힌 사람이 볼 수 있습니다. "
            "즉, 버킷에 쓸 수 있는 사람이 권한을 줄 수 있습니다. "
            "끄면 메타데이터 파일은 볼 수 있는 사람을 줄이기만 합니다.",
        },
    ),
    ConfigField(
        "bucket_owner",
        FieldType.TEXT,
        label={"en": "Account of the bucket", "ko": "버킷 소유 계정"},
        help={
            "en": "The number of the account that must own the bucket. A bucket that somebody else has "
            "made under the same name is then refused.",
            "ko": "버킷을 소유한 계정 번호입니다. "
            "적어 두면 다른 사람이 같은 이름으로 다시 만든 버킷은 읽지 않습니다.",
        },
        example="123456789012",
        advanced=True,
    ),
    CA_FILE_FIELD,
)

KIND = ConnectorKind(
    name="s3",
    label={"en": "S3 bucket", "ko": "S3 버킷"},
    fields=_WHERE + _WHO,
    build=build,
    asks=("endpoint",),
    asks_otherwise="s3.amazonaws.com",
    fetches_at_once=8,
)
