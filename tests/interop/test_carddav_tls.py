"""TLS is verified, always: only a server with a certificate that we trust gets a password."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.hostile_dav import BOOK, PASSWORD, Hostile, hostile

from danhba.errors import SyncerError, UsageError
from danhba_syncers.carddav import CardDav, CardDavOptions

pytest.importorskip("cryptography")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


class Authority:
    """Signs certificates."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        usage = dict.fromkeys(_USAGES, False) | {"key_cert_sign": True, "crl_sign": True}
        own = (
            self._builder(self.name, self.key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
        )
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self._signed(own))

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            # as RFC 5280 has it, which Python insists on from 3.13 on
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )

    def _signed(self, builder: x509.CertificateBuilder) -> bytes:
        signed = builder.sign(self.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    def issue(self, name: str, *addresses: str) -> tuple[Path, Path]:
        """Return the files of a new certificate and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        builder = self._builder(subject, key)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate, secret = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        certificate.write_bytes(self._signed(builder))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, secret


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    monkeypatch.setenv("DAV_PASSWORD", PASSWORD)
    return Authority(tmp_path, "company-ca")


def context(certificate: Path, key: Path, clients: Path | None = None) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(certificate, key)
    if clients:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(clients)
    return made


@pytest.fixture
def server(authority: Authority) -> Iterator[Hostile]:
    with hostile(context(*authority.issue("server", "127.0.0.1"))) as running:
        running.put(f"{BOOK}an.vcf", b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:An\r\nEND:VCARD\r\n")
        yield running


def read(server: Hostile, **options: object) -> int:
    location = f"https://me@127.0.0.1:{server.port}/"
    syncer = CardDav(location, CardDavOptions(password_env="DAV_PASSWORD", **options))
    try:
        return len(list(syncer.read()))
    finally:
        syncer.close()


def test_certificate_of_the_company_is_trusted_when_named(
    server: Hostile, authority: Authority
) -> None:
    assert read(server, ca_file=str(authority.path)) == 1


def test_unknown_certificate_gets_no_password(server: Hostile, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", "other-ca")
    for options in ({}, {"ca_file": str(other.path)}):
        with pytest.raises(SyncerError, match="certificate is not accepted"):
            read(server, **options)
    assert server.seen == []


def test_certificate_of_another_host_gets_no_password(authority: Authority) -> None:
    with hostile(context(*authority.issue("elsewhere", "127.0.0.2"))) as running:
        with pytest.raises(SyncerError, match="certificate is not accepted"):
            read(running, ca_file=str(authority.path))
        assert running.seen == []


def test_client_shows_its_certificate(authority: Authority) -> None:
    files = authority.issue("server", "127.0.0.1")
    mine, key = authority.issue("me")
    both = authority.folder / "both.pem"
    both.write_bytes(mine.read_bytes() + key.read_bytes())
    with hostile(context(*files, clients=authority.path)) as running:
        known = {"ca_file": str(authority.path)}
        assert read(running, client_cert=str(mine), client_key=str(key), **known) == 0
        assert read(running, client_cert=str(both), **known) == 0
        with pytest.raises(SyncerError):
            read(running, **known)


def test_missing_certificate_file_is_named(server: Hostile) -> None:
    with pytest.raises(UsageError, match=r"ca_file: /no-such\.pem"):
        read(server, ca_file="/no-such.pem")
