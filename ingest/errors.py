"""What intake refuses, and why a row of it was not accepted."""

from asset_hub.core.errors import BadInput, NotFound, RuleRefused, TooLarge
from asset_hub.core.text import N_


class AccessionNotFound(NotFound):
    """No such intake, or not this reader's."""

    slug, title = "accession-not-found", N_("There is no such intake")


class AccessionSealed(RuleRefused):
    """The intake is closed; its receipt is written."""

    slug, title = "accession-sealed", N_("This intake is closed")


class UploadNotFound(NotFound):
    """No such upload, or not this person's."""

    slug, title = "upload-not-found", N_("There is no such upload")


class WrongOffset(RuleRefused):
    """The bytes do not continue where the upload stands (tus 1.0.0, PATCH)."""

    slug, title = "wrong-offset", N_("The upload stands elsewhere")


class UploadTooLarge(TooLarge):
    """More bytes than announced or allowed."""

    slug, title = "upload-too-large", N_("More bytes than allowed")


class RowRefused(BadInput):
    """One thing offered that cannot be taken."""

    slug, title = "row-refused", N_("Not taken")


class FileVanished(RowRefused):
    """It was listed and could not be opened any more."""

    slug, title = "file-vanished", N_("The file vanished during intake")


class FileUnreadable(RowRefused):
    """The system refuses to read it."""

    slug, title = "file-unreadable", N_("The file cannot be opened")


class NotAFile(RowRefused):
    """A link, a device, a pipe: nothing that holds content of its own."""

    slug, title = "not-a-file", N_("Not an ordinary file")


class SystemFile(RowRefused):
    """A left-over of an operating system that describes nothing."""

    slug, title = "system-file", N_("A file of the operating system, not content")


class SameBytes(RowRefused):
    """The owner has an asset with exactly these bytes."""

    slug, title = "same-bytes", N_("The same bytes are there already")


class WrongCell(RowRefused):
    """A cell of the sheet that cannot be understood."""

    slug, title = "wrong-cell", N_("A cell is wrong")


class FileNotListed(RowRefused):
    """The sheet names a file that is not there, or that is there twice."""

    slug, title = "file-not-found", N_("The file named in the sheet is not there")


class UnknownHeading(BadInput):
    """A column that no mapping knows; the intake as a whole is refused so that nothing is silently dropped."""

    slug, title = "unknown-heading", N_("A heading is unknown")


class UnreadableSheet(BadInput):
    """Not a CSV in UTF-8 or GB18030 and not a sound XLSX workbook."""

    slug, title = "unreadable-sheet", N_("The sheet cannot be read")
