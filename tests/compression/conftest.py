import pytest
from made_receipts import made_receipt


@pytest.fixture(scope="session")
def receipt():
    """Returns a receipt with all that one can hold."""
    return made_receipt()
