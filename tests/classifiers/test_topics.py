"""What a post is about."""

import pytest

from classifiers.rules import alarms
from classifiers.topics import topics
from domain.classification import TOPICS


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        ("en", "Where is my parcel? The courier never came", "delivery"),
        ("en", "I want a refund, you charged me twice", "billing_refund"),
        ("fi", "Sovellus kaatuu aina kun kirjaudun", "app_technical"),
        ("fi", "Haluan irtisanoa sopimuksen", "cancellation"),
        ("lv", "Kurjers pakomātā neko neatstāja, kur ir mans sūtījums", "delivery"),
        ("lv", "Pārdevēja bija rupja, briesmīga apkalpošana", "service_staff"),
        ("nb", "Nettet er nede og driftssiden sier ingenting", "outage"),
        ("nb", "Varen var ødelagt, elendig kvalitet", "product_quality"),
        ("pl", "Kto włamał się na konto? To jakieś oszustwo, phishing", "privacy_fraud"),
        ("pl", "Aplikacja się zawiesza po aktualizacji", "app_technical"),
        ("en", "The heater caught fire", "safety"),
    ],
)
def test_names_the_topic(language: str, text: str, name: str) -> None:
    found = topics(text, language=language, alarms=alarms(text))
    assert found[0].name == name
    assert {topic.name for topic in found} <= set(TOPICS)
    assert all(0 < topic.score < 1 for topic in found)


def test_other_where_no_word_speaks() -> None:
    assert [topic.name for topic in topics("hmm, well", language="en", alarms=())] == ["other"]
