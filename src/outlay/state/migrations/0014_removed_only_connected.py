from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("state", "0013_inventory_looks"),
    ]

    operations = [
        migrations.AddField(
            model_name="removedconnection",
            name="only_connected",
            field=models.BooleanField(default=False),
        ),
    ]
