"""Addresses of keys as people read and write them (EIP-55)."""

from eth_utils.address import to_checksum_address

from asset_hub.core.text import N_
from ledger.key_errors import BadKeyAddress

_ADDRESS_BYTES = 20


def read_address(text: str) -> bytes:
    """Return the bytes of an address (hex, 0x or not). Raises BadKeyAddress, also for a wrong checksum (EIP-55)."""
    digits = text.strip().removeprefix("0x")
    try:
        address = bytes.fromhex(digits)
    except ValueError as error:
        raise BadKeyAddress from error
    if len(address) != _ADDRESS_BYTES or len(digits) != 2 * _ADDRESS_BYTES or not any(address):
        raise BadKeyAddress
    is_mixed = digits not in (digits.lower(), digits.upper())
    if is_mixed and show_address(address) != "0x" + digits:
        raise BadKeyAddress(N_("The checksum of the address is wrong; was a letter changed?"))
    return address


def show_address(address: bytes) -> str:
    """Return an address as it is shown, with its checksum (EIP-55)."""
    return str(to_checksum_address(address))
