"""AWS's own APIs: sessions and what is done with them. The only home of boto3."""
