pytest_plugins = [
    "tests.services.environment",
    "tests.services.s3",
    "tests.services.azure",
    "tests.services.postgres",
    "tests.aws_standin.plugin",
]
