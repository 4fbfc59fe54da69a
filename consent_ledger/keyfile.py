"""Key files: an Ed25519 seed on disk, readable by its owner only, and under a passphrase if one is given.

Canonical JSON. Without a passphrase it holds `seed`; with one, `sealed`: the seed under XChaCha20-Poly1305 with a key
that Argon2id makes from the passphrase, bound to the keyid. A file is written whole or not at all, and never over
another.
"""

import os
import secrets
import stat
from pathlib import Path

import msgspec
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_pwhash_alg,
    crypto_pwhash_ALG_ARGON2ID13,
)
from nacl.exceptions import CryptoError

from consent_ledger.errors import KeyFileError, MalformedError
from consent_ledger.signing.canonical import decode_canonical, encode_canonical
from consent_ledger.signing.keys import SEED_BYTES, PublicKey, SigningKey

FORMAT = "consent-ledger/key/v1"

_MAX_FILE = 4096
_KEY_BYTES, _NONCE_BYTES, _SALT_BYTES = 32, 24, 16
_MAX_MEMORY = 1 << 30
_MAX_PASSES = 16


class Cost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How dear one guess at a passphrase is: Argon2id passes, and memory in bytes."""

    passes: int = 3
    memory: int = 256 * 1024 * 1024


class _Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    box: bytes
    cost: Cost
    nonce: bytes
    salt: bytes


class _KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    format: str
    keyid: str
    seed: bytes | None = None
    sealed: _Sealed | None = None


def new_seed() -> bytes:
    """Return a fresh 32-byte seed."""
    return secrets.token_bytes(SEED_BYTES)


def write_key_file(path: Path, seed: bytes, passphrase: str | None = None, *, cost: Cost | None = None) -> PublicKey:
    """Write the key of `seed` to a new file at `path`, mode 0600, and return its public key.

    Raise KeyFileError if anything is there already or the directory does not take it; then nothing was written.
    """
    public_key = SigningKey.from_seed(seed).public_key
    if passphrase is None:
        content = _KeyFile(FORMAT, public_key.keyid, seed=seed)
    else:
        content = _KeyFile(FORMAT, public_key.keyid, sealed=_seal(seed, passphrase, public_key.keyid, cost or Cost()))
    try:
        _write_new(Path(path), encode_canonical(content) + b"\n")
    except FileExistsError as e:
        raise KeyFileError(f"`{path}` exists and is not overwritten", code="exists") from e
    except OSError as e:
        raise KeyFileError(f"key file `{path}` cannot be written: {_reason(e)}") from e
    return public_key


def read_key_file(path: Path, passphrase: str | None = None) -> SigningKey:
    """Return the key in the file at `path`; raise KeyFileError if it is not there, not private, or does not open."""
    content = _parse(path, _read_private(Path(path)))
    if content.sealed is not None:
        if passphrase is None:
            raise KeyFileError(f"key file `{path}` is under a passphrase, and none was given", code="passphrase_needed")
        seed = _unseal(path, content.sealed, passphrase, content.keyid)
    elif content.seed is not None:
        seed = content.seed
    else:
        raise _not_a_key_file(path)
    if len(seed) != SEED_BYTES:
        raise _not_a_key_file(path)
    key = SigningKey.from_seed(seed)
    if key.public_key.keyid != content.keyid:
        raise KeyFileError(f"key file `{path}` says `{content.keyid}` and holds another key", code="not_a_key_file")
    return key


def _seal(seed: bytes, passphrase: str, keyid: str, cost: Cost) -> _Sealed:
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    key = _stretch(passphrase, salt, cost)
    box = crypto_aead_xchacha20poly1305_ietf_encrypt(seed, keyid.encode(), nonce, key)
    return _Sealed(box, cost, nonce, salt)


def _unseal(path: Path, sealed: _Sealed, passphrase: str, keyid: str) -> bytes:
    cost = sealed.cost
    # A file that asks for all memory is a trap, not a key.
    if not (1 <= cost.passes <= _MAX_PASSES and 8192 <= cost.memory <= _MAX_MEMORY):
        raise _not_a_key_file(path)
    if len(sealed.salt) != _SALT_BYTES or len(sealed.nonce) != _NONCE_BYTES:
        raise _not_a_key_file(path)
    key = _stretch(passphrase, sealed.salt, cost)
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(sealed.box, keyid.encode(), sealed.nonce, key)
    except (CryptoError, TypeError, ValueError) as e:
        raise KeyFileError(f"passphrase does not open key file `{path}`", code="wrong_passphrase") from e


def _stretch(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    secret = passphrase.encode()
    return crypto_pwhash_alg(_KEY_BYTES, secret, salt, cost.passes, cost.memory, crypto_pwhash_ALG_ARGON2ID13)


def _parse(path: Path, raw: bytes) -> _KeyFile:
    try:
        content = decode_canonical(raw.removesuffix(b"\n"), _KeyFile, limit=_MAX_FILE)
    except MalformedError:
        # The cause may quote what was read, and what was read may be a secret.
        raise _not_a_key_file(path) from None
    if content.format != FORMAT or (content.seed is None) == (content.sealed is None):
        raise _not_a_key_file(path)
    return content


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not make us wait
    except FileNotFoundError as e:
        raise KeyFileError(f"no key file at `{path}`", code="missing") from e
    except OSError as e:
        raise KeyFileError(f"key file `{path}` cannot be read: {_reason(e)}") from e
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _not_a_key_file(path)
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o077:
            detail = f"key file `{path}` is open to others (mode {mode:04o}), want 0600"
            raise KeyFileError(detail, code="open_to_others")
        return os.read(descriptor, _MAX_FILE + 1)
    finally:
        os.close(descriptor)


def _write_new(path: Path, raw: bytes) -> None:
    """Write a new file, so that after a crash it is either whole under its name or not there under it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, this fails when the name is taken
    finally:
        os.unlink(draft)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _not_a_key_file(path: Path) -> KeyFileError:
    return KeyFileError(f"`{path}` is not a key file", code="not_a_key_file")


def _reason(error: OSError) -> str:
    return (error.strerror or "unknown reason").lower()
