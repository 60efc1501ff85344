"""How forms look. Knows no model."""

from __future__ import annotations

from django import forms

_CLASSES = {forms.Select: "form-select"}


def styled(form: forms.BaseForm) -> None:
    """Tabler's classes, and for screen readers what belongs to which field."""
    for name, field in form.fields.items():
        field.widget.attrs.pop("placeholder", None)
        field.widget.attrs["class"] = _CLASSES.get(type(field.widget), "form-control")
        if form.is_bound and name in form.errors:
            field.widget.attrs["class"] += " is-invalid"
