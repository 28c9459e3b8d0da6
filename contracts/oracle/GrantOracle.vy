# SPDX-License-Identifier: Apache-2.0
# pragma version 0.4.3
"""
@title The rules of licences a second time, to compare GrantLedger with
@notice Never deployed. It keeps every licence in storage and reads them all, one after the other, before it says yes:
    no witness lists, no heads, no packed words. Whose signatures an act carries it does not know.
"""

struct Licence:
    work: bytes32
    licensor: bytes32
    licensee: bytes32
    uses: uint256
    languages: uint256
    places: uint256
    first_day: uint256
    day_after: uint256
    part_from: uint256
    part_to: uint256
    kind: uint256
    flags: uint256
    held_until: uint256
    given_under: uint256

MAY_BE_SUBLICENSED: constant(uint256) = 4
IS_A_HOLD: constant(uint256) = 8
DAY: constant(uint256) = 86400
BEIJING: constant(uint256) = 28800

licences: HashMap[uint256, Licence]
is_ended: HashMap[uint256, bool]
# What has left its list: its last day had passed or it had lapsed when somebody tidied up.
is_off_the_list: HashMap[uint256, bool]
numbers_of: HashMap[bytes32, DynArray[uint256, 1000]]
registrar_of: HashMap[bytes32, bytes32]
is_frozen: HashMap[bytes32, bool]
is_suspended: HashMap[bytes32, bool]
paused_until: uint256


@external
def enter_work(work: bytes32, registrar: bytes32):
    self.registrar_of[work] = registrar


@external
def freeze(work: bytes32, frozen: bool):
    self.is_frozen[work] = frozen


@external
def suspend(house: bytes32, suspended: bool):
    self.is_suspended[house] = suspended


@external
def pause(until: uint256):
    self.paused_until = until


@external
def grant(number: uint256, wanted: Licence, spares_others: bool):
    """
    @notice A licence by the registrar; `spares_others` lets an exclusive one stand beside the licences already given.
    """
    assert wanted.flags & IS_A_HOLD == 0 and wanted.held_until == 0 and wanted.given_under == 0, "form"
    assert wanted.licensor == self.registrar_of[wanted.work], "registrar"
    assert wanted.kind != 0 or not spares_others, "form"
    self._enter(number, wanted, 0, spares_others)


@external
def hold(number: uint256, wanted: Licence):
    assert wanted.flags == IS_A_HOLD and wanted.given_under == 0, "form"
    assert wanted.licensor == self.registrar_of[wanted.work], "registrar"
    assert block.timestamp < wanted.held_until, "form"
    assert wanted.held_until - block.timestamp <= 30 * DAY, "form"
    self._enter(number, wanted, 0, True)


@external
def confirm(number: uint256, wanted: Licence, held: uint256, spares_others: bool):
    source: Licence = self.licences[held]
    assert source.flags & IS_A_HOLD != 0 and not self.is_ended[held], "no such hold"
    assert block.timestamp < source.held_until, "lapsed"
    assert wanted.flags & IS_A_HOLD == 0 and wanted.held_until == 0 and wanted.given_under == 0, "form"
    assert wanted.licensor == source.licensor and wanted.licensee == source.licensee, "parties"
    assert self._is_within(wanted, source), "beyond the hold"
    assert wanted.kind != 0 or not spares_others, "form"
    self.is_ended[held] = True
    self._enter(number, wanted, 0, spares_others)


@external
def sublicense(number: uint256, wanted: Licence, parent: uint256, spares_others: bool):
    source: Licence = self.licences[parent]
    assert source.work != empty(bytes32) and source.flags & IS_A_HOLD == 0 and not self.is_ended[parent], "no parent"
    assert source.flags & MAY_BE_SUBLICENSED != 0 and source.licensee == wanted.licensor, "not allowed"
    assert wanted.flags == 0 and wanted.held_until == 0 and wanted.given_under == parent, "form"
    assert wanted.kind <= source.kind and self._today() < source.day_after, "beyond the parent"
    assert self._is_within(wanted, source), "beyond the parent"
    assert wanted.kind != 0 or not spares_others, "form"
    self._enter(number, wanted, parent, spares_others)


@external
def terminate(number: uint256, by_authority: bool):
    work: bytes32 = self.licences[number].work
    assert work != empty(bytes32) and not self.is_ended[number], "nothing to end"
    assert by_authority or not self.is_frozen[work], "frozen"
    self.is_ended[number] = True


@external
def compact(work: bytes32, of_exclusives: bool):
    assert block.timestamp >= self.paused_until and not self.is_frozen[work], "not now"
    for number: uint256 in self.numbers_of[work]:
        if self._shuts_out(self.licences[number]) == of_exclusives:
            is_over: bool = self.licences[number].day_after <= self._today()
            if is_over or not self._stands(number):
                self.is_off_the_list[number] = True


@internal
def _enter(number: uint256, wanted: Licence, parent: uint256, spares_others: bool):
    assert block.timestamp >= self.paused_until and not self.is_frozen[wanted.work], "not now"
    assert not self.is_suspended[wanted.licensor] and not self.is_suspended[wanted.licensee], "suspended"
    assert number != 0 and self.licences[number].work == empty(bytes32), "number"
    assert self._says_something(wanted), "form"
    reads_all: bool = wanted.kind != 0 and wanted.flags & IS_A_HOLD == 0 and not spares_others
    for other: uint256 in self.numbers_of[wanted.work]:
        counts: bool = reads_all or self._shuts_out(self.licences[other])
        if counts and other != parent and not self.is_off_the_list[other] and self._stands(other):
            assert not self._meet(wanted, self.licences[other]), "taken"
    if self._shuts_out(wanted):
        self._tidy(wanted.work)
    self.licences[number] = wanted
    self.numbers_of[wanted.work].append(number)


@internal
def _tidy(work: bytes32):
    """
    @notice Whoever enters the list of exclusives takes out what has ended or lapsed; what was terminated stays.
    """
    for number: uint256 in self.numbers_of[work]:
        if self._shuts_out(self.licences[number]):
            if self.licences[number].day_after <= self._today() or self._has_lapsed(number):
                self.is_off_the_list[number] = True


@internal
@view
def _stands(number: uint256) -> bool:
    under: uint256 = self.licences[number].given_under
    if self.is_ended[number] or self._has_lapsed(number):
        return False
    return under == 0 or not self.is_ended[under]


@internal
@view
def _has_lapsed(number: uint256) -> bool:
    return self.licences[number].flags & IS_A_HOLD != 0 and self.licences[number].held_until <= block.timestamp


@internal
@view
def _today() -> uint256:
    return (block.timestamp + BEIJING) // DAY


@internal
@pure
def _shuts_out(one: Licence) -> bool:
    return one.kind != 0 or one.flags & IS_A_HOLD != 0


@internal
@pure
def _says_something(one: Licence) -> bool:
    if one.uses == 0 or one.languages == 0 or one.places == 0 or one.kind > 2 or one.flags > 15:
        return False
    return one.first_day < one.day_after and (self._is_whole(one) or one.part_from < one.part_to)


@internal
@pure
def _is_whole(one: Licence) -> bool:
    return one.part_from == 0 and one.part_to == 0


@internal
@pure
def _meet(one: Licence, other: Licence) -> bool:
    """
    @notice Somebody could do one and the same thing under both: a use, a place, a language, a day and a part in common.
    """
    if one.uses & other.uses == 0 or one.places & other.places == 0 or one.languages & other.languages == 0:
        return False
    if max(one.first_day, other.first_day) >= min(one.day_after, other.day_after):
        return False
    if self._is_whole(one) or self._is_whole(other):
        return True
    return max(one.part_from, other.part_from) < min(one.part_to, other.part_to)


@internal
@pure
def _is_within(inner: Licence, outer: Licence) -> bool:
    if inner.work != outer.work:
        return False
    if inner.uses | outer.uses != outer.uses or inner.places | outer.places != outer.places:
        return False
    if inner.languages | outer.languages != outer.languages:
        return False
    if inner.first_day < outer.first_day or inner.day_after > outer.day_after:
        return False
    if self._is_whole(outer):
        return True
    return not self._is_whole(inner) and inner.part_from >= outer.part_from and inner.part_to <= outer.part_to
