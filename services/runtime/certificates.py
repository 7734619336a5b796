"""A certificate for one run of one process, for peers that pin it."""

import datetime
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class RunCertificate:
    """Certificate and key as files that only their owner can read, in a directory that ``remove`` deletes."""

    certificate_pem: str
    certificate_file: Path
    key_file: Path
    directory: "tempfile.TemporaryDirectory[str]"

    def remove(self) -> None:
        """Delete the files."""
        self.directory.cleanup()


def make_run_certificate(name: str) -> RunCertificate:
    """A self-signed P-256 certificate, good for a year: longer than any process runs."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    directory = tempfile.TemporaryDirectory(prefix="vonggac-")
    certificate_file, key_file = Path(directory.name) / "tls.crt", Path(directory.name) / "tls.key"
    certificate_file.write_bytes(pem)
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return RunCertificate(pem.decode(), certificate_file, key_file, directory)
