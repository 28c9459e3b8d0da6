"""Who signed: the account behind a 65-byte signature, in its one accepted spelling. Pure but for its primitives."""

from ledger.standalone.native import keccak, recover_public

_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def recover_address(digest: bytes, signature: bytes) -> bytes:
    """Return who signed. Raises ValueError for a signature that is malformed or not in its one low-s spelling."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise ValueError("a signature has 65 bytes and ends in 1b or 1c")
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        raise ValueError("the signature is not in its low-s form")
    return keccak(recover_public(digest, signature[:64], signature[64] - 27))[-20:]
