"""Decode, probe, derive, cut: bytes and values in, values out, hostile files in a limited child; no database."""

from asset_hub.media.digests import Digests, digest_file
from asset_hub.media.errors import (
    DecodeTimedOut,
    EmptyFile,
    MediaRefused,
    MislabelledFile,
    TooManyPixels,
    TruncatedFile,
    UnsupportedFormat,
)
from asset_hub.media.formats import identify, kind_of
from asset_hub.media.iiif import PUBLIC_LONGEST, ImageRequest, cut_image, image_info
from asset_hub.media.types import Derivative, Format, GreyPicture, MediaKind, Probe, Shot, ShotList
from asset_hub.media.work import cut_film, derive, draw_grey, draw_stills, find_shots, probe

__all__ = [
    "PUBLIC_LONGEST",
    "DecodeTimedOut", "Derivative", "Digests", "EmptyFile", "Format", "GreyPicture", "ImageRequest", "MediaKind",
    "MediaRefused", "MislabelledFile", "Probe", "Shot", "ShotList", "TooManyPixels", "TruncatedFile",
    "UnsupportedFormat", "cut_film", "cut_image", "derive", "digest_file", "draw_grey", "draw_stills", "find_shots",
    "identify", "image_info", "kind_of", "probe",
]  # fmt: skip
