"""Symmetric keys encrypt, bind their context, rotate and respect their state."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from datavault.local.cloud import LocalCloud
from tests.local.rig import deploy_stack

CONTEXT = {"workspace": "w1", "purpose": "data"}


@pytest.fixture(scope="module")
def kms(cloud: LocalCloud) -> Any:
    return cloud.boto3("kms")


@pytest.fixture
def key(kms: Any) -> str:
    return str(kms.create_key()["KeyMetadata"]["KeyId"])


def refusal(call: Callable[..., object], **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


def test_a_changed_byte_is_refused_wherever_it_is(kms: Any, key: str) -> None:
    sealed = kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext=CONTEXT)[
        "CiphertextBlob"
    ]
    for position in range(len(sealed)):
        tampered = bytearray(sealed)
        tampered[position] ^= 1
        code = refusal(kms.decrypt, CiphertextBlob=bytes(tampered), EncryptionContext=CONTEXT)
        assert code == "InvalidCiphertextException", position


@pytest.mark.parametrize("context", [{}, {"workspace": "w2", "purpose": "data"}])
def test_another_context_is_refused(kms: Any, key: str, context: dict[str, str]) -> None:
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)
    blob = made["CiphertextBlob"]
    code = refusal(kms.decrypt, CiphertextBlob=blob, EncryptionContext=context)
    assert code == "InvalidCiphertextException"
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == made["Plaintext"]


def test_another_key_is_refused(kms: Any, key: str) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    assert refusal(kms.decrypt, CiphertextBlob=blob, KeyId=other) == "IncorrectKeyException"


def test_two_encryptions_of_one_text_differ(kms: Any, key: str) -> None:
    first, second = (kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"] for _ in "12")
    assert first != second


def test_reencrypt_moves_a_ciphertext_to_another_key_and_context(kms: Any, key: str) -> None:
    other = kms.create_key()["KeyMetadata"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"dek", EncryptionContext=CONTEXT)["CiphertextBlob"]
    moved = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=other["Arn"],
        DestinationEncryptionContext={"epoch": "2"},
    )
    assert moved["KeyId"] == other["Arn"]
    assert moved["SourceKeyId"].endswith(key)
    opened = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"epoch": "2"})
    assert (opened["KeyId"], opened["Plaintext"]) == (other["Arn"], b"dek")
    code = refusal(kms.re_encrypt, CiphertextBlob=blob, DestinationKeyId=other["KeyId"])
    assert code == "InvalidCiphertextException"


def test_a_rotated_key_opens_what_it_sealed_before(kms: Any, key: str) -> None:
    old = kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=key)
    new = kms.encrypt(KeyId=key, Plaintext=b"new")["CiphertextBlob"]
    opened = [kms.decrypt(CiphertextBlob=blob) for blob in (old, new)]
    assert [each["Plaintext"] for each in opened] == [b"old", b"new"]
    assert opened[0]["KeyMaterialId"] != opened[1]["KeyMaterialId"]
    rotations = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert [each["RotationType"] for each in rotations] == ["ON_DEMAND"]


@pytest.mark.parametrize("length", [0, 4097])
def test_a_plaintext_is_one_to_4096_bytes(kms: Any, key: str, length: int) -> None:
    with pytest.raises((ClientError, ValueError)):
        kms.encrypt(KeyId=key, Plaintext=b"x" * length)
    assert kms.encrypt(KeyId=key, Plaintext=b"x" * 4096)["CiphertextBlob"]


def test_a_disabled_key_and_one_to_be_deleted_do_nothing(kms: Any, key: str) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    assert refusal(kms.decrypt, CiphertextBlob=blob) == "DisabledException"
    assert refusal(kms.generate_data_key, KeyId=key, KeySpec="AES_256") == "DisabledException"
    kms.enable_key(KeyId=key)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert refusal(kms.decrypt, CiphertextBlob=blob) == "KMSInvalidStateException"
    assert refusal(kms.encrypt, KeyId=key, Plaintext=b"x") == "KMSInvalidStateException"
    assert refusal(kms.rotate_key_on_demand, KeyId=key) == "KMSInvalidStateException"


def test_a_replica_in_another_region_opens_after_rotation(cloud: LocalCloud, kms: Any) -> None:
    import boto3

    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    kms.rotate_key_on_demand(KeyId=key)
    blob = kms.encrypt(KeyId=key, Plaintext=b"both")["CiphertextBlob"]
    there = boto3.client(
        "kms", endpoint_url=cloud.endpoint, **{**cloud.credentials(), "region_name": "eu-west-1"}
    )
    assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"both"


def test_the_private_half_of_a_generated_pair_opens(kms: Any, key: str) -> None:
    pair = kms.generate_data_key_pair(
        KeyId=key, KeyPairSpec="ECC_NIST_P256", EncryptionContext=CONTEXT
    )
    opened = kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == pair["PrivateKeyPlaintext"]


def test_an_asymmetric_key_still_signs(kms: Any) -> None:
    key = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["KeyId"]
    signing = {"KeyId": key, "Message": b"root", "SigningAlgorithm": "ECDSA_SHA_256"}
    assert kms.verify(Signature=kms.sign(**signing)["Signature"], **signing)["SignatureValid"]


def test_a_key_made_by_a_template_encrypts(cloud: LocalCloud, kms: Any) -> None:
    made = deploy_stack(
        cloud,
        {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {}}}},
        Arn={"Fn::GetAtt": ["Key", "Arn"]},
    )
    blob = kms.encrypt(KeyId=made["Arn"], Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["KeyId"] == made["Arn"]
