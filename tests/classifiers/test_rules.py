"""Wording that is always critical, and wording that only looks like it."""

import pytest

from classifiers.rules import alarms

FIRES = [
    ("fire_injury", "Your charger caught fire on my desk"),
    ("fire_injury", "The toaster started smoking and I got an electric shock"),
    ("fire_injury", "found glass shards in my salad"),
    ("medical", "We all had FOOD POISONING after your buffet"),
    ("self_harm", "I can't do this any more, I want to kill myself"),
    ("legal_press", "You will hear from my lawyer"),
    ("legal_press", "I'll sue you. See you in court."),
    ("data_leak", "I can see another customer's address in my account"),
    ("fraud", "my account has been hacked"),
    ("fire_injury", "Laturi syttyi palamaan yöllä"),
    ("fire_injury", "Sain siitä pahan sähköiskun"),
    ("medical", "Koko perhe sai teiltä ruokamyrkytyksen"),
    ("medical", "jouduin ruuastanne sairaalaan"),
    ("self_harm", "en jaksa enää elää"),
    ("legal_press", "Vien asian kuluttajariitalautakuntaan"),
    ("legal_press", "Teen teistä rikosilmoituksen"),
    ("data_leak", "näen sovelluksessa toisen asiakkaan tilaukset"),
    ("fraud", "Tililtäni on tehty luvattomia veloituksia"),
    ("fire_injury", "Lādētājs naktī aizdegās"),
    ("fire_injury", "bērnam iesita strāva"),
    ("medical", "Visi saindējāmies jūsu kafejnīcā"),
    ("self_harm", "vairs negribu dzīvot"),
    ("legal_press", "Vēršos PTAC un pie advokāta"),
    ("data_leak", "savā kontā redzu cita klienta datus"),
    ("fraud", "mans konts ir uzlauzts"),
    ("fire_injury", "Telefonen tok fyr i natt"),
    ("fire_injury", "datteren min fikk støt av lampen"),
    ("medical", "Vi fikk matforgiftning hos dere"),
    ("self_harm", "jeg orker ikke leve lenger"),
    ("legal_press", "Dette tar jeg til Forbrukerrådet, og jeg kontakter advokat"),
    ("data_leak", "jeg ser en annen kundes bestillinger"),
    ("fraud", "kontoen min er hacket"),
    ("fire_injury", "Ładowarka zapaliła się w nocy"),
    ("fire_injury", "syna poraził prąd"),
    ("medical", "po waszym obiedzie trafiliśmy do szpitala"),
    ("self_harm", "nie chcę już żyć"),
    ("legal_press", "Spotkamy się w sądzie"),
    ("legal_press", "zgłaszam sprawę do UOKiK"),
    ("data_leak", "po zalogowaniu widzę dane innego klienta"),
    ("fraud", "ktoś zhakował, konto zostało przejęte"),
]

QUIET = [
    "This phone is fire, love it 🔥",
    "I'm dying to try the new menu",
    "The staff killed it tonight, brilliant show",
    "My daughter burned through the battery playing games",
    "Your customer service is a joke and my parcel is late",
    "I would sue for peace and quiet in this train",
    "Tulinen meininki, mahtava keikka!",
    "Kuolin nauruun, paras mainos ikinä",
    "Sähkölasku nousi taas",
    "Ugunīgs koncerts, paldies!",
    "Nomiru no smiekliem",
    "Dere er dødsbra, takk!",
    "Strømregningen er høy igjen",
    "Umieram ze śmiechu, świetna reklama",
    "Rachunek za prąd znowu wyższy",
    "Kiedy otwieracie nowy sklep?",
]


@pytest.mark.parametrize(("rule", "text"), FIRES)
def test_fires_with_its_name_and_quotes_the_words(rule: str, text: str) -> None:
    fired = {alarm.rule: alarm for alarm in alarms(text)}
    assert rule in fired
    start, end = fired[rule].found.span
    assert text[start:end] == fired[rule].found.words
    assert fired[rule].found.words in fired[rule].reason


@pytest.mark.parametrize("text", QUIET)
def test_stays_quiet_on_ordinary_posts(text: str) -> None:
    assert alarms(text) == []


def test_case_and_accents_do_not_matter() -> None:
    assert (
        [alarm.rule for alarm in alarms("SAHKOISKU")]
        == [alarm.rule for alarm in alarms("sähköisku")]
        == ["fire_injury"]
    )


def test_a_hundred_thousand_characters_take_no_time() -> None:
    assert alarms("my charger is a nice charger and " * 3_000) == []
