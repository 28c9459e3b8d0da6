"""What intake refuses, and why a row of it was not accepted."""

from asset_hub.core.errors import AssetHubError, BadInput, NotFound, RuleRefused, TooLarge
from asset_hub.core.text import N_, Text


class AccessionNotFound(NotFound):
    """No such intake, or not this reader's."""

    slug, title = "accession-not-found", N_("There is no such intake")


class AccessionSealed(RuleRefused):
    """The intake is closed; its receipt is written."""

    slug, title = "accession-sealed", N_("This intake is closed")


class PublishNeedsOpen(RuleRefused):
    """Publishing at once was asked for material that is not 公开."""

    slug, title = "publish-needs-open", N_("This may not be published at once")


class CollectionElsewhere(BadInput):
    """The collection named is not one of this house."""

    slug, title = "collection-elsewhere", N_("Your house has no such collection")


class UploadNotFound(NotFound):
    """No such upload, or not this person's."""

    slug, title = "upload-not-found", N_("There is no such upload")


class WrongOffset(RuleRefused):
    """The bytes do not continue where the upload stands (tus 1.0.0, PATCH)."""

    slug, title = "wrong-offset", N_("The upload stands elsewhere")


class UploadBusy(RuleRefused):
    """Another request writes to this upload at the moment (423, as tus servers answer)."""

    slug, title, status = "upload-busy", N_("Another request is writing to this upload"), 423


class UploadUnfinished(BadInput):
    """An upload that was begun and never came to its end."""

    slug, title = "upload-unfinished", N_("The upload was not finished")


class UploadsUnfinished(RuleRefused):
    """An intake cannot be finished unasked while uploads of it are under way."""

    slug, title = "uploads-unfinished", N_("Some uploads are not complete")


class BadUpload(BadInput):
    """A header of the upload protocol that is missing or malformed."""

    slug, title = "bad-upload", N_("The upload request is not valid")


class WrongVersion(AssetHubError):
    """A client of another version of the upload protocol (tus 1.0.0, Tus-Resumable)."""

    slug, title, status = "wrong-version", N_("This server speaks tus 1.0.0"), 412


class WrongContentType(AssetHubError):
    """Bytes of an upload come as application/offset+octet-stream."""

    slug, title, status = "wrong-content-type", N_("Send the bytes as application/offset+octet-stream"), 415


class ListedRefused(RuleRefused):
    """The list of this intake has a row for the file, and that row is refused."""

    slug, title = "listed-refused", N_("The list of this intake refuses this file")


class ListTooLate(RuleRefused):
    """A row of the list cannot reach its file any more, or not yet."""

    slug, title = "list-too-late", N_("The list comes too late for a file")


class DraftChanged(RuleRefused):
    """Somebody else saved the description in the meantime."""

    slug, title = "draft-changed", N_("Somebody else changed this description meanwhile")


class WrongFields(BadInput):
    """Fields of a description that cannot be taken; `fields` says per field why."""

    slug, title = "wrong-fields", N_("Some fields cannot be taken")

    def __init__(self, fields: dict[str, Text]) -> None:
        self.fields = fields
        super().__init__(members={"fields": {name: str(text) for name, text in fields.items()}})


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


class NotExamined(RowRefused):
    """Its examination failed for good, through no fault found in the file: it is kept, and can be brought in again."""

    slug, title = "not-examined", N_("It could not be examined")


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
