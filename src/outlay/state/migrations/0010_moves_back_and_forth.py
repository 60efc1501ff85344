from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("state", "0009_access_changed"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="move_state",
            field=models.CharField(blank=True, max_length=10),
        ),
        migrations.AddField(
            model_name="connection",
            name="keeps_old",
            field=models.BooleanField(default=False),
        ),
    ]
