"""What Django reads: `routes.ROUTES`, and what answers when nothing does."""

from __future__ import annotations

from outlay.web.routes import patterns

urlpatterns = list(patterns())

handler400 = "outlay.web.errors.bad_request"
handler403 = "outlay.web.errors.forbidden"
handler404 = "outlay.web.errors.not_found"
handler500 = "outlay.web.errors.failed"
