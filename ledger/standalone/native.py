"""The foreign functions of the verifier, by compiled libraries; `ledger.standalone.pure` is its twin without any.

The two have the same names, answers and refusals: every refusal is a ValueError. RLP is the same code in both.
"""

from coincurve import PublicKey
from Crypto.Hash import keccak as _keccak

from ledger.standalone.pure import Rlp, rlp_decode, rlp_encode

__all__ = ["Rlp", "keccak", "recover_public", "rlp_decode", "rlp_encode"]


def keccak(data: bytes) -> bytes:
    """Return the Keccak-256 digest that the EVM uses (not SHA3-256)."""
    return _keccak.new(digest_bits=256, data=data).digest()


def recover_public(digest: bytes, r_and_s: bytes, parity: int) -> bytes:
    """Return the secp256k1 public key (x and y, 64 bytes) that signed a digest; `parity` is that of R's y.

    Raises ValueError where no key fits.
    """
    try:
        public = PublicKey.from_signature_and_message(r_and_s + bytes([parity]), digest, hasher=None)
    except Exception as error:
        raise ValueError("the signature fits no key") from error
    return bytes(public.format(compressed=False)[1:])
