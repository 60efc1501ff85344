from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("state", "0004_notices"),)

    operations = (
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=("connection", "outcome", "finished_at"), name="run_by_outcome"),
        ),
    )
