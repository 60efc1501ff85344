from tests.layouts.conftest import azure_shelf, folder_shelf, s3_shelf, shelf

__all__ = ["azure_shelf", "folder_shelf", "s3_shelf", "shelf"]
