import pytest

pytest_plugins = [
    "tests.services.environment",
    "tests.services.s3",
    "tests.services.azure",
    "tests.services.postgres",
    "tests.aws_standin.plugin",
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of a file go to one worker, so that what they share is made once; files of one group go together."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.location[0]))
