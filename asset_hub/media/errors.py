"""Why a file is refused: one class per reason, so that a receipt can say it and a program can tell them apart."""

from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_


class MediaRefused(BadInput):
    """A file that cannot be taken as what it claims to be."""

    slug, title = "media-refused", N_("The file cannot be read")


class EmptyFile(MediaRefused):
    """No bytes."""

    slug, title = "empty-file", N_("The file is empty")


class TruncatedFile(MediaRefused):
    """It begins well and ends too early, or its data are damaged."""

    slug, title = "truncated-file", N_("The file is incomplete or damaged")


class MislabelledFile(MediaRefused):
    """Its name says one format, its bytes another."""

    slug, title = "mislabelled-file", N_("The name says another format than the content")


class TooManyPixels(MediaRefused):
    """Its header declares more than the documented limit; nothing was decoded."""

    slug, title = "too-many-pixels", N_("The picture is larger than the limit")


class UnsupportedFormat(MediaRefused):
    """A format that no stage can read."""

    slug, title = "unsupported-format", N_("This format is not supported")


class DecodeTimedOut(MediaRefused):
    """The child that read it used up its time, memory or rights."""

    slug, title = "decode-stopped", N_("Reading the file was stopped")


BY_SLUG = {
    error.slug: error
    for error in (
        MediaRefused, EmptyFile, TruncatedFile, MislabelledFile, TooManyPixels, UnsupportedFormat, DecodeTimedOut,
    )
}  # fmt: skip
