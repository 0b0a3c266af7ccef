"""A server is believed only with a certificate that a trusted authority signed for its name."""

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from datavault.adapters.aws.client import JsonClient
from datavault.adapters.aws.credentials import Credentials, FixedCredentials
from datavault.adapters.aws.objects import Bucket, S3Objects
from datavault.domain.errors import NotFound, Unavailable

KEYS = FixedCredentials(Credentials("AKID", "SECRET"))
HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
ELSEWHERE = x509.DNSName("elsewhere.example")
JSON = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
ABSENT = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


_MAY_SIGN = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class Files:
    """A server's certificate and key, and the authority that signed the certificate."""

    certificate: Path
    key: Path
    authority: Path


def issue(path: Path, name: x509.GeneralName) -> Files:
    """A certificate for ``name`` by an authority that nobody knows."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("authority", "authority", authority_key, authority_key, None)
    certificate = _certificate("server", "authority", key, authority_key, name)
    files = Files(path / "certificate.pem", path / "key.pem", path / "authority.pem")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def _certificate(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    name: x509.GeneralName | None,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=name is None, path_length=None), critical=True)
    )
    # Python verifies strictly (RFC 5280): it wants to be told which key signed.
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
    ).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
        critical=False,
    )
    if name is None:
        builder = builder.add_extension(_MAY_SIGN, critical=True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName([name]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


@contextmanager
def tls_server(files: Files, answer: bytes) -> Iterator[str]:
    """Answers every request with ``answer``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                plain.settimeout(2)
                with plain, suppress(OSError), context.wrap_socket(plain, True) as secure:
                    while secure.recv(65536):
                        secure.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def call(url: str, ca_file: Path | None) -> object:
    client = JsonClient(
        service="kms",
        region="eu-west-1",
        endpoint=url,
        target="TrentService",
        json_version="1.1",
        credentials=KEYS,
        ca_file=str(ca_file) if ca_file else None,
        sleep=lambda _: None,
    )
    try:
        return client.call("ListKeys", {}, dict)
    finally:
        client.close()


def get(url: str, ca_file: Path | None) -> object:
    return S3Objects(
        Bucket("bucket", "eu-west-1", url),
        credentials=KEYS,
        ca_file=str(ca_file) if ca_file else None,
        sleep=lambda _: None,
    ).get("key")


def test_a_trusted_certificate_is_believed(tmp_path: Path) -> None:
    files = issue(tmp_path, HERE)
    with tls_server(files, JSON) as url:
        assert call(url, files.authority) == {}
    with tls_server(files, ABSENT) as url, pytest.raises(NotFound):
        get(url, files.authority)


@pytest.mark.parametrize("speak", [call, get])
@pytest.mark.parametrize("name", [HERE, ELSEWHERE])
def test_another_certificate_is_not(
    tmp_path: Path, name: x509.GeneralName, speak: Callable[[str, Path | None], object]
) -> None:
    files = issue(tmp_path, name)
    trusted = files.authority if name is ELSEWHERE else None
    with tls_server(files, JSON) as url, pytest.raises(Unavailable):
        speak(url, trusted)
