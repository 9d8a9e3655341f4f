"""Recordings, only for those who may read the dashboard, whole or in parts."""

from __future__ import annotations

import logging
from datetime import UTC
from typing import IO

from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.http.response import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date, parse_http_date_safe
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from accounts.permissions import reader_required
from analytics import ranges, waveform
from campaigns.services import record_access
from dialer.models import Recording

logger = logging.getLogger(__name__)


@reader_required
@require_safe
def recording(request: HttpRequest, call_id: int) -> HttpResponseBase:
    """The stored file: 200 whole, 206 the part asked for, 304 unchanged, 416 behind its end.

    ?download names it for saving. Who listens is written down, by the call's number in our books.
    """
    found, file = _stored(call_id)
    size = found.file.size
    content_type = _content_type(file)
    # What is stored is never changed, so its name and size say which it is.
    etag = f'"{found.pk}-{size:x}"'
    modified = int(found.file.storage.get_modified_time(found.file.name or "").astimezone(UTC).timestamp())
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Last-Modified": http_date(modified),
        "Cache-Control": "private, no-cache",
        "Content-Disposition": _disposition(found, content_type, "download" in request.GET),
    }
    unchanged = get_conditional_response(request, etag=etag, last_modified=modified)
    if unchanged is not None:
        file.close()
        for name in ("ETag", "Cache-Control"):
            unchanged[name] = headers[name]
        return unchanged
    try:
        part = _part(request, size, etag, modified)
    except ranges.Unsatisfiable:
        file.close()
        return HttpResponse(
            status=416, headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"}
        )
    if request.method == "HEAD":
        file.close()
        response: HttpResponseBase = HttpResponse(content_type=content_type, headers=headers)
        response["Content-Length"] = str(size)
        return response
    if part is None or part.first == 0:
        logger.info("%s listened to the recording of call %s", request.user.get_username(), call_id)
        record_access(
            actor=request.user,  # type: ignore[arg-type]  # reader_required: a User
            verb="listened",
            text=f"listened to the recording of call {call_id}",
            campaign_name=found.call.campaign_name,
        )
    if part is None:
        response = FileResponse(file, content_type=content_type, headers=headers)
        # FileResponse puts the stored file's own name there.
        response["Content-Disposition"] = headers["Content-Disposition"]
        return response
    content = ranges.read(file, part)
    response = StreamingHttpResponse(content, status=206, content_type=content_type, headers=headers)
    response["Content-Range"] = f"bytes {part.first}-{part.last}/{size}"
    response["Content-Length"] = str(len(part))
    return response


@reader_required
@require_safe
def recording_peaks(request: HttpRequest, call_id: int) -> HttpResponse:
    """``{"peaks": [0..100, ...]}`` for the player's track; empty where they can't be told."""
    _, file = _stored(call_id)
    with file:
        response = JsonResponse({"peaks": waveform.peaks(file)})
    response["Cache-Control"] = "private, max-age=86400"
    return response


def _stored(call_id: int) -> tuple[Recording, IO[bytes]]:
    found = get_object_or_404(
        Recording.objects.select_related("call"), pk=call_id, status=Recording.Status.STORED
    )
    try:
        return found, found.file.storage.open(found.file.name or "", "rb")
    except (FileNotFoundError, ValueError) as error:
        logger.error("The file of the recording of call %s is missing.", call_id)
        raise Http404("The file of this recording is missing.") from error


def _part(request: HttpRequest, size: int, etag: str, modified: int) -> ranges.Part | None:
    header = request.headers.get("Range", "")
    condition = request.headers.get("If-Range", "")
    if condition and condition != etag and parse_http_date_safe(condition) != modified:
        # What the other side has a part of is something else: it gets the whole.
        return None
    return ranges.part_of(header, size)


def _content_type(file: IO[bytes]) -> str:
    """By what it is: carriers send WAV and MP3, whatever the name says."""
    head = file.read(12)
    file.seek(0)
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        return "audio/wav"
    if head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
        return "audio/mpeg"
    if head[:4] == b"OggS":
        return "audio/ogg"
    return "application/octet-stream"


def _disposition(found: Recording, content_type: str, is_download: bool) -> str:
    call = found.call
    began = timezone.localtime(call.answered_at or call.created_at)
    name = slugify(call.contact_name) or "call"
    extension = {"audio/wav": "wav", "audio/mpeg": "mp3", "audio/ogg": "ogg"}.get(content_type, "bin")
    way = "attachment" if is_download else "inline"
    return f'{way}; filename="{name}-{began:%Y-%m-%d-%H%M}-{call.pk}.{extension}"'
