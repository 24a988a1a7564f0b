"""The shipped model and the detector, loaded once for all tests of this room."""

import pytest

from classifiers.language import Detector
from classifiers.transformer import Transformer


@pytest.fixture(scope="session")
def detector() -> Detector:
    return Detector()


@pytest.fixture(scope="session")
def model() -> Transformer:
    return Transformer.load()
