from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("state", "0008_accounts_in_bills"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="access_changed_at",
            field=models.DateTimeField(null=True),
        ),
    ]
