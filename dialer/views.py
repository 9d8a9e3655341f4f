"""The assistant's webhook: it asks for a call's context, and reports what came of it."""

from __future__ import annotations

import json
import logging

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from dialer import assistants
from dialer.statements import tried_twice

logger = logging.getLogger(__name__)


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "POST"])
def assistant(request: HttpRequest, call_id: int) -> HttpResponse:
    """``Authorization: Bearer <the call's token>``; GET: context, POST: report (docs/assistants.md)."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not assistants.is_token(call_id, given.strip()):
        logger.warning("An assistant's request for call %s was refused: wrong token.", call_id)
        return JsonResponse({"error": "The token is not this call's."}, status=403)
    if assistants.is_closed(call_id=call_id, now=timezone.now()):
        return JsonResponse({"error": "The call ended too long ago."}, status=403)
    if request.method == "GET":
        context = assistants.context(call_id=call_id)
        return JsonResponse(context) if context else _gone()
    try:
        report = assistants.Report.parse(json.loads(request.body))
    except RequestDataTooBig:
        return JsonResponse({"error": "The report is too large."}, status=413)
    except assistants.InvalidReport as error:
        return JsonResponse({"error": str(error)}, status=400)
    except (ValueError, RecursionError):
        return JsonResponse({"error": "The report is not JSON."}, status=400)
    # The last report holds: it may be kept twice.
    kept = tried_twice(lambda: assistants.report(call_id=call_id, report=report))
    return HttpResponse(status=204) if kept else _gone()


def _gone() -> HttpResponse:
    return JsonResponse({"error": "There is no such call."}, status=404)
